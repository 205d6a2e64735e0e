"""What a search found of each generator: its evaluations at one fidelity, and the spread of its networks.

Pure; from the store's plain rows. The command `best`, the report and `beliefs` call it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from nago_orchestrator.domain import Objective, Outcome

Row = Mapping[str, Any]

_LATER_PHASE = 1_000_000
"""More than any fidelity: phase and fidelity make one number, as in the view `incumbent`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One generator, by its canonical theta, with all of its evaluations at one fidelity."""

    evaluations: tuple[Row, ...]
    values: tuple[float, ...]
    """Of the objective, one for each network that was trained; none that is not finite."""

    @property
    def proposals(self) -> tuple[int, ...]:
        return tuple(row["proposal"] for row in self.evaluations)

    @property
    def theta(self) -> Mapping[str, float | int]:
        theta: Mapping[str, float | int] = self.evaluations[0]["theta"]
        return theta

    @property
    def networks(self) -> int:
        return sum(row["samples"] for row in self.evaluations)

    @property
    def mean(self) -> float | None:
        return fmean(self.values) if self.values else None

    @property
    def deviation(self) -> float | None:
        """Standard deviation between its networks; None for fewer than two."""
        return stdev(self.values) if len(self.values) > 1 else None


def searched(rows: Sequence[Row]) -> list[Row]:
    """Evaluations or trials without those of full training."""
    return [row for row in rows if not row.get("final")]


def compared_fidelity(evaluations: Sequence[Row]) -> int | None:
    """At which the best is found: the highest of the search's newest phase. None without an evaluation that is ok.

    The views `incumbent` and `pareto_front` say the same.
    """
    known = [row for row in searched(evaluations) if row["outcome"] == Outcome.OK]
    ranks = [(row.get("phase") or 0) * _LATER_PHASE + row["fidelity"] for row in known]
    return max(ranks) % _LATER_PHASE if ranks else None


def found_generators(
    evaluations: Sequence[Row], trials: Sequence[Row], objective: Objective, fidelity: int
) -> tuple[Found, ...]:
    """Every generator that was evaluated at the fidelity, in the order of its first evaluation."""
    groups: dict[object, list[Row]] = {}
    for row in searched(evaluations):
        if row["outcome"] == Outcome.OK and row["fidelity"] == fidelity:
            groups.setdefault(generator_key(row), []).append(row)
    values: dict[int, list[float]] = {}
    for trial in trials:
        value = trial_value(trial, objective.name)
        if value is not None:
            values.setdefault(trial["proposal"], []).append(value)
    return tuple(
        Found(
            evaluations=tuple(group),
            values=tuple(value for row in group for value in values.get(row["proposal"], ())),
        )
        for group in groups.values()
    )


def generator_key(row: Row) -> tuple[tuple[str, float | int], ...]:
    """Equal for thetas that draw the same architectures."""
    return tuple(sorted((row.get("canonical_theta") or row["theta"]).items()))


def trial_value(trial: Row, name: str) -> float | None:
    """An objective's value of one trained network, from its row in `trial_overview`; None unless it is finite."""
    accuracy = trial.get("validation_accuracy")
    if accuracy is None:
        return None
    if name == "error":
        return 1.0 - accuracy if math.isfinite(accuracy) else None
    value = trial.get(_COLUMNS[name])
    return float(value) if value is not None and math.isfinite(value) else None


_COLUMNS = {
    "accuracy": "validation_accuracy",
    "loss": "validation_loss",
    "memory": "bytes_per_sample",
    "parameters": "parameters",
    "flops": "flops",
    "seconds": "seconds",
}
