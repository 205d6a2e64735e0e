"""The `objectives` section: what a study optimises, in which direction, and down to which worst value."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.evaluation.metrics import CUSTOM, METRICS, SHARES
from nago_orchestrator.spec.scalars import format_number, known_word, read_bytes, read_real, wrong
from nago_orchestrator.spec.section import Section, is_study_file

_SIZES = ("memory",)
"""Which may be written with a unit."""

ObjectiveName = Literal[
    "accuracy",
    "error",
    "loss",
    "memory",
    "parameters",
    "flops",
    "seconds",
    "balanced_accuracy",
    "macro_f1",
    "top_5",
    "worst_class",
    "custom_score",
    "custom_cost",
]
"""The keys of METRICS, which a type cannot be computed from."""
read_objective_name = known_word("objective", tuple(METRICS))


def _goal_of(validated: dict[str, Any]) -> Goal:
    metric = METRICS.get(validated.get("name", ""))
    return metric.goal if metric else Goal.MINIMIZE


class ObjectiveSection(Section):
    name: Annotated[ObjectiveName, BeforeValidator(read_objective_name)]
    """What is measured: accuracy, error, balanced_accuracy, macro_f1, top_5 and worst_class (fractions, on the
    validation split), loss (nats), memory (bytes per sample while training), parameters, flops (per sample, forward),
    seconds (of one training), custom_score and custom_cost (what trainer.objective returns)."""
    goal: Annotated[Goal, BeforeValidator(known_word("goal", ("maximize", "minimize")))] = Field(
        default_factory=_goal_of, json_schema_extra={"x-default": "known from the name"}
    )
    """Direction; it follows from the name, and a wrong one is refused."""
    reference: Annotated[
        float | None, WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "null"}]})
    ] = None
    """Worst value that still counts in the hypervolume; sizes may have a unit, such as 60KiB."""

    @field_validator("goal", mode="after")
    @classmethod
    def _goal_fits_name(cls, goal: Goal, info: ValidationInfo) -> Goal:
        name = info.data.get("name")
        if name is not None and goal is not METRICS[name].goal:
            raise wrong(f"is {goal}, but {name} is always to be {METRICS[name].goal}d", do="remove the key")
        return goal

    @field_validator("reference", mode="before")
    @classmethod
    def _read_reference(cls, value: Any, info: ValidationInfo) -> float | None:
        name = info.data.get("name")
        if value is None or name is None:
            return None
        reference = read_bytes(value) if name in _SIZES else read_real(value)
        if reference < 0 or (name in SHARES and reference > 1):
            limit = "from 0 to 1" if name in SHARES else "0 or above"
            raise wrong(f"must be {limit} for {name}, found {format_number(reference)}")
        return reference

    def value(self) -> Objective:
        return Objective(name=self.name, goal=self.goal, reference=self.reference)


def check_unique(objectives: tuple[ObjectiveSection, ...], info: ValidationInfo) -> tuple[ObjectiveSection, ...]:
    names = [objective.name for objective in objectives]
    for name in names:
        if names.count(name) > 1:
            raise wrong(f"names {name} twice")
    if is_study_file(info) and {"accuracy", "error"} <= set(names):
        raise wrong("names both accuracy and error, although error is 1 - accuracy", do="remove one of them")
    if set(CUSTOM) <= set(names):
        raise wrong("has both custom_score and custom_cost, but a study can have only one", do="remove one of them")
    return objectives
