"""The `objectives` section: what a study optimises, in which direction, and down to which worst value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator

from nago_orchestrator.domain import Goal, Objective
from nago_orchestrator.spec.scalars import format_number, known_word, read_bytes, read_real, wrong
from nago_orchestrator.spec.section import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class _Quantity:
    goal: Goal
    low: float = 0.0
    high: float = math.inf
    in_bytes: bool = False


QUANTITIES: Mapping[str, _Quantity] = {
    "accuracy": _Quantity(goal=Goal.MAXIMIZE, high=1.0),
    "error": _Quantity(goal=Goal.MINIMIZE, high=1.0),
    "loss": _Quantity(goal=Goal.MINIMIZE),
    "memory": _Quantity(goal=Goal.MINIMIZE, in_bytes=True),
    "parameters": _Quantity(goal=Goal.MINIMIZE),
    "flops": _Quantity(goal=Goal.MINIMIZE),
    "seconds": _Quantity(goal=Goal.MINIMIZE),
}

ObjectiveName = Literal["accuracy", "error", "loss", "memory", "parameters", "flops", "seconds"]
read_objective_name = known_word("objective", tuple(QUANTITIES))


def _goal_of(validated: dict[str, Any]) -> Goal:
    quantity = QUANTITIES.get(validated.get("name", ""))
    return quantity.goal if quantity else Goal.MINIMIZE


class ObjectiveSection(Section):
    name: Annotated[ObjectiveName, BeforeValidator(read_objective_name)]
    """What is measured: accuracy and error (fractions, on the validation split), loss (nats), memory (bytes per
    sample while training), parameters, flops (per sample, forward), seconds (of one training)."""
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
        if name is not None and goal is not QUANTITIES[name].goal:
            raise wrong(f"says {goal}, but {name} is something to {QUANTITIES[name].goal}: leave the key out")
        return goal

    @field_validator("reference", mode="before")
    @classmethod
    def _read_reference(cls, value: Any, info: ValidationInfo) -> float | None:
        name = info.data.get("name")
        if value is None or name is None:
            return None
        quantity = QUANTITIES[name]
        reference = read_bytes(value) if quantity.in_bytes else read_real(value)
        if not quantity.low <= reference <= quantity.high:
            limit = "0 or above" if math.isinf(quantity.high) else "from 0 to 1"
            raise wrong(f"must be {limit} for {name}, found {format_number(reference)}")
        return reference

    def value(self) -> Objective:
        return Objective(name=self.name, goal=self.goal, reference=self.reference)


def check_unique(objectives: tuple[ObjectiveSection, ...]) -> tuple[ObjectiveSection, ...]:
    names = [objective.name for objective in objectives]
    for name in names:
        if names.count(name) > 1:
            raise wrong(f"names {name} twice")
    return objectives
