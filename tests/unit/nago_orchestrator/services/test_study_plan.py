"""What `submit --dry-run` shows of a study."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from nago_orchestrator.errors import NagoError
from nago_orchestrator.services.preview import FIRST_PROPOSALS
from nago_orchestrator.services.study_plan import JobResources, study_plan
from nago_orchestrator.spec import StudySpec, parse_study_spec
from tests.studies import SMALL_BOHB, small_spec

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def in_cluster(section: str, limit: int = 3000) -> StudySpec:
    execution = f"{{where: kubernetes, parallelism: 3, kubernetes: {{image: trainer, {section}}}}}"
    text = SMALL_BOHB.replace("{parallelism: 1}", execution)
    return parse_study_spec(text.replace("parameter_limit: 3000", f"parameter_limit: {limit}"), "the test's study")


def test_the_plan_of_a_local_study_has_its_first_task_and_the_sizes_of_its_first_networks() -> None:
    plan = study_plan(small_spec(), NOW)
    assert (plan.first["trial"], plan.first["epochs"]) == (0, 1)
    assert plan.resources is None
    assert (plan.networks, plan.infeasible) == (FIRST_PROPOSALS, 0)
    assert 0 < plan.parameters[0] <= plan.parameters[1] <= 3000
    assert 0 < plan.bytes_per_sample[0] <= plan.bytes_per_sample[1]


def test_the_plan_of_jobs_has_the_first_and_what_they_request() -> None:
    plan = study_plan(in_cluster("gpu: {count: 0}, cpu: 500m"), NOW)
    assert plan.first["kind"] == "Job"
    assert plan.resources is not None
    assert plan.resources.cpu == ("500m", "500m")
    given = study_plan(in_cluster("gpu: {count: 1}, memory: 16Gi"), NOW).resources
    assert given == JobResources(cpu=("1", "1"), memory=("16Gi", "16Gi"), memory_limit=("16Gi", "16Gi"))


def test_without_a_network_that_can_be_trained_there_is_no_plan() -> None:
    with pytest.raises(NagoError, match="can be trained"):
        study_plan(in_cluster("cpu: 1", limit=10), NOW)
