"""The Job of a study, as the checks look at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nago_orchestrator.executors.kubernetes.manifest.job import build_job
from nago_orchestrator.executors.kubernetes.preflight.pod import PodNeeds, needs_of
from nago_trainer.contract.task import TrialTask
from tests.kubernetes_access import kubernetes_settings, study_label

MakePod = Callable[..., PodNeeds]
MakeJob = Callable[..., dict[str, Any]]


@pytest.fixture
def make_job(task: TrialTask) -> MakeJob:
    """One CPU, 8 GiB of memory and one GPU, unless the test says otherwise."""

    def make(**changes: Any) -> dict[str, Any]:
        settings = kubernetes_settings(**{"cpu": "1", "memory": "8Gi", **changes})
        return build_job("small-t00012-a1", task, study_label(), settings)

    return make


@pytest.fixture
def make_pod(make_job: MakeJob) -> MakePod:
    return lambda **changes: needs_of(make_job(**changes), ("nago", "url"))
