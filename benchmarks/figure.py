"""The one form in which every benchmark prints what it measured."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """A bound that the figure has to keep, in the figure's own unit."""

    bound: int | float
    at_least: bool = False

    def is_met_by(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    def describe(self, unit: str) -> str:
        return f"{'>=' if self.at_least else '<='} {self.bound:,} {unit}"


def show(benchmark: str, figure: str, value: float, unit: str, goal: Goal | None = None) -> bool:
    """Print one JSON line; tells whether the goal is met. A figure without a goal is there to be read."""
    met = goal is None or goal.is_met_by(value)
    line = {
        "benchmark": benchmark,
        "figure": figure,
        "value": round(value, 4),
        "unit": unit,
        "goal": goal.describe(unit) if goal else None,
        "met": met if goal else None,
    }
    print(json.dumps(line), flush=True)
    return met
