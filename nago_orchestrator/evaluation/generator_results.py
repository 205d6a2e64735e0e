"""What a search found of each generator: its evaluations at one fidelity, and the spread of its networks.

Pure; from the store's plain rows. The store's queries of the best and of the front, the report and `beliefs` call it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from nago_orchestrator.domain.generator_key import GeneratorKey, generator_key
from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.proposals import Outcome

Row = Mapping[str, Any]
Merged = dict[str, Any]
"""As `merge_generators` gives it."""

LATER_PHASE = 1_000_000
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
    ranks = [(row.get("phase") or 0) * LATER_PHASE + row["fidelity"] for row in known]
    return max(ranks) % LATER_PHASE if ranks else None


def found_generators(
    evaluations: Sequence[Row], trials: Sequence[Row], objective: Objective, fidelity: int
) -> tuple[Found, ...]:
    """Every generator that was evaluated at the fidelity, in the order of its first evaluation."""
    groups: dict[GeneratorKey, list[Row]] = {}
    for row in searched(evaluations):
        if row["outcome"] == Outcome.OK and row["fidelity"] == fidelity:
            groups.setdefault(row_key(row), []).append(row)
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


def merge_generators(evaluations: Sequence[Row], objectives: Sequence[Objective], fidelity: int | None) -> list[Merged]:
    """One row for each generator that was evaluated at the fidelity, in the order of its first evaluation.

    It is that evaluation's row with objective_values and cost_1 and so on as means over all networks of the generator,
    `samples` how many these are, and `proposals`, the numbers of all its evaluations' proposals.
    """
    groups: dict[GeneratorKey, list[Row]] = {}
    for row in searched(evaluations):
        if row["outcome"] == Outcome.OK and row["fidelity"] == fidelity:
            groups.setdefault(row_key(row), []).append(row)
    return [_merged(group, objectives) for group in groups.values()]


def best_generator(generators: Sequence[Merged]) -> Merged | None:
    """Of merged rows: the best by the first objective, of equals by the next ones; then the first of the rows.

    So no other one dominates it. None without a row.
    """
    return min(generators, key=costs_in_order, default=None)


def costs_in_order(row: Row) -> tuple[tuple[bool, float], ...]:
    """The costs of a merged row, to be compared one after the other; NaN comes last."""
    costs = [row[f"cost_{place}"] for place in range(1, len(row["objective_values"]) + 1)]
    return tuple((math.isnan(cost), 0.0 if math.isnan(cost) else cost) for cost in costs)


def _merged(group: Sequence[Row], objectives: Sequence[Objective]) -> Merged:
    values = {objective.name: _mean_value(group, objective.name) for objective in objectives}
    return {
        **group[0],
        **{f"cost_{place}": item.cost(values[item.name]) for place, item in enumerate(objectives, start=1)},
        "objective_values": values,
        "samples": sum(row["samples"] for row in group),
        "proposals": [row["proposal"] for row in group],
    }


def _mean_value(group: Sequence[Row], name: str) -> float:
    """Over networks, of which each evaluation is a mean itself; a network that diverged counts with its value."""
    known = [(number_or_nan(row["objective_values"].get(name)), row["samples"]) for row in group]
    if len(known) == 1:
        return known[0][0]
    mean: float = sum(value * samples for value, samples in known) / sum(samples for _, samples in known)
    return mean


def number_or_nan(value: Any) -> float:
    return math.nan if value is None else float(value)


def row_key(row: Row) -> GeneratorKey:
    """Of an evaluation's generator."""
    return generator_key(row.get("canonical_theta") or row["theta"])


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
