"""Objectives of the study file against the metrics that an evaluation can have."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import ValidationError

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.errors import SpecError
from nago_orchestrator.evaluation.metrics import METRICS
from nago_orchestrator.spec.load import parse_study_spec
from nago_orchestrator.spec.objectives import ObjectiveName, ObjectiveSection


def test_every_metric_can_be_an_objective() -> None:
    assert get_args(ObjectiveName) == tuple(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_the_goal_follows_from_the_name_and_no_other_is_taken(name: str) -> None:
    goal = METRICS[name].goal
    assert ObjectiveSection.model_validate({"name": name}).value() == Objective(name=name, goal=goal)
    (other,) = set(Goal) - {goal}
    with pytest.raises(ValidationError):
        ObjectiveSection.model_validate({"name": name, "goal": other.value})


@pytest.mark.parametrize(
    ("name", "reference", "value"),
    [("memory", "60KiB", 61440.0), ("accuracy", 0, 0.0), ("error", 1, 1.0), ("flops", 1e12, 1e12)],
)
def test_a_reference_is_a_value_of_its_metric(name: str, reference: str | float, value: float) -> None:
    assert ObjectiveSection.model_validate({"name": name, "reference": reference}).reference == value


@pytest.mark.parametrize(("name", "reference"), [("accuracy", 1.1), ("loss", -1), ("parameters", "60KiB")])
def test_a_reference_that_the_metric_cannot_have_is_refused(name: str, reference: str | float) -> None:
    with pytest.raises(ValidationError):
        ObjectiveSection.model_validate({"name": name, "reference": reference})


FILE = "{{name: own, search: {{algorithm: random, proposals: 1}}, fidelities: [1], objectives: {}, trainer: {}}}"


def test_an_objective_of_ones_own_names_its_function() -> None:
    function = "{dataset: {name: digits}, objective: 'my.measures:cost'}"
    spec = parse_study_spec(FILE.format("[{name: custom_cost}]", function), "the test's study")
    assert spec.trainer.objective == "my.measures:cost"


@pytest.mark.parametrize(
    ("objectives", "objective", "words"),
    [
        ("[{name: custom_cost}]", "", "lacks the key objective, which custom_cost needs"),
        (
            "[{name: custom_cost}, {name: custom_score}]",
            ", objective: 'a:b'",
            "has both custom_score and custom_cost, but a study can have only one",
        ),
        ("[{name: loss}]", ", objective: my measures", "must name a Python function"),
    ],
)
def test_an_objective_of_ones_own_without_its_function_is_refused(objectives: str, objective: str, words: str) -> None:
    trainer = f"{{dataset: {{name: digits}}{objective}}}"
    with pytest.raises(SpecError, match=words):
        parse_study_spec(FILE.format(objectives, trainer), "the test's study")
