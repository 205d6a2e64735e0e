"""An objective of a study, and its value as a cost to be minimised."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Goal(StrEnum):
    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    name: str
    goal: Goal
    reference: float | None = None
    """The worst value that still counts in the hypervolume."""

    def cost(self, value: float) -> float:
        """The value as something to minimise."""
        return -value if self.goal is Goal.MAXIMIZE else value
