"""The study's pod template, merged as Kubernetes merges."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from nago_orchestrator.errors import SpecError
from nago_orchestrator.executors.kubernetes.manifest.job import build_job
from nago_orchestrator.executors.kubernetes.manifest.template import merge, merge_template
from nago_trainer.contract.task import TrialTask
from tests.kubernetes_access import kubernetes_settings, study_label


@pytest.fixture
def template(task: TrialTask) -> dict[str, Any]:
    job = build_job("small-t00012-a1", task, study_label(), kubernetes_settings(service_account="nago-trainer"))
    found: dict[str, Any] = job["spec"]["template"]
    return found


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 2}}, {"a": {"c": 2}}),
        ({"args": [1, 2]}, {"args": [3]}, {"args": [3]}),
        ({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}]}, {"tolerations": [{"key": "b"}]}),
        (
            {"env": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]},
            {"env": [{"name": "b", "value": "3"}, {"name": "c", "value": "4"}]},
            {"env": [{"name": "a", "value": "1"}, {"name": "b", "value": "3"}, {"name": "c", "value": "4"}]},
        ),
        (
            {"volumeMounts": [{"name": "a", "mountPath": "/a"}]},
            {"volumeMounts": [{"name": "b", "mountPath": "/a"}, {"name": "a", "mountPath": "/b"}]},
            {"volumeMounts": [{"name": "b", "mountPath": "/a"}, {"name": "a", "mountPath": "/b"}]},
        ),
        (
            {"volumes": [{"name": "a"}, {"name": "b"}]},
            {"volumes": [{"name": "a", "$patch": "delete"}]},
            {"volumes": [{"name": "b"}]},
        ),
        ({}, {"volumes": [{"name": "a", "emptyDir": {}}]}, {"volumes": [{"name": "a", "emptyDir": {}}]}),
    ],
)
def test_merging(before: dict[str, Any], patch: dict[str, Any], after: dict[str, Any]) -> None:
    untouched = copy.deepcopy(before)
    assert merge(before, patch, "") == after
    assert before == untouched


@pytest.mark.parametrize(
    ("patch", "sentence"),
    [
        ({"spec": {"containers": [{"image": "x"}]}}, r"spec\.containers\[0\] has no name"),
        ({"spec": {"containers": "trainer"}}, r"spec\.containers must be a list"),
        ({"spec": {"volumes": {"name": "a"}}}, r"spec\.volumes must be a list"),
        ({"spec": 5}, "spec must be a mapping"),
        ({"spec": {"$retainKeys": ["a"]}}, r"unknown directive spec\.\$retainKeys"),
        ({"spec": {"containers": [{"name": ["trainer"]}]}}, r"spec\.containers\[0\] has no name"),
        ({"spec": {5: "a"}}, r"spec\.5 is no name of a field"),
    ],
)
def test_what_cannot_be_merged_is_said_with_its_path(
    template: dict[str, Any], patch: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SpecError, match=sentence):
        merge_template(template, kubernetes_settings(pod_template=patch))
