"""Every field that Kubernetes knows in a pod template is decided: a new one makes these tests fail until it is."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes.client import models

from nago_orchestrator.executors.kubernetes.manifest.template_rules import Part, Parts
from nago_orchestrator.executors.kubernetes.manifest.template_table import MERGE_KEYS, TABLE

OWN_KINDS = {
    "InitContainer": "Container",
    "Trainer": "Container",
    "TrainerSecurityContext": "SecurityContext",
    "SecretReference": "LocalObjectReference",
}
"""Kinds of Kubernetes with decisions of their own in some places."""


def model(kind: str) -> Any:
    kubernetes = OWN_KINDS.get(kind, kind)
    found = getattr(models, f"V1{kubernetes}", None)
    return found or getattr(models, f"CoreV1{kubernetes}")


def test_the_kinds_that_matter_most_are_there() -> None:
    kinds = {"PodTemplateSpec", "ObjectMeta", "PodSpec", "Container", "SecurityContext", "PodSecurityContext", "Volume"}
    assert kinds <= TABLE.keys()


@pytest.mark.parametrize("kind", TABLE)
def test_every_field_of_a_kind_is_decided_and_none_that_there_is_not(kind: str) -> None:
    assert set(TABLE[kind]) == set(model(kind).attribute_map.values())


@pytest.mark.parametrize("kind", TABLE)
def test_parts_are_of_the_kind_that_kubernetes_says(kind: str) -> None:
    known = model(kind)
    types = {known.attribute_map[name]: type_ for name, type_ in known.openapi_types.items()}
    for name, rule in TABLE[kind].items():
        if isinstance(rule, (Part, Parts)):
            assert rule.kind in TABLE
            meant = model(rule.kind).__name__
            assert types[name] == (f"List[{meant}]" if isinstance(rule, Parts) else meant)


def test_a_list_of_that_name_is_merged_by_one_key() -> None:
    assert MERGE_KEYS["containers"] == "name"
    assert MERGE_KEYS["volumeMounts"] == "mountPath"
    keys = {
        (name, rule.key)
        for fields in TABLE.values()
        for name, rule in fields.items()
        if isinstance(rule, Parts) and name in MERGE_KEYS
    }
    assert keys == set(MERGE_KEYS.items())
