"""What a search found of each generator: its evaluations at one fidelity, and the spread of its networks.

Pure. The store's queries of the best and of the front, the report and `best --posterior` call it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from statistics import fmean, stdev
from typing import Any, Protocol, TypeVar

from nago_orchestrator.domain.generator_key import GeneratorKey, generator_key
from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.proposals import Outcome, Theta
from nago_orchestrator.domain.rows import EvaluationRow, GeneratorRow, TrialRow
from nago_orchestrator.evaluation.metrics import METRICS

LATER_PHASE = 1_000_000
"""More than any fidelity: phase and fidelity make one number, as in the view `incumbent`."""

_SHARED = tuple(field.name for field in fields(GeneratorRow) if field.name != "proposals")
"""Of an evaluation and of its generator."""


class HasCosts(Protocol):
    @property
    def costs(self) -> tuple[float, ...]: ...


G = TypeVar("G", bound=HasCosts)
R = TypeVar("R", EvaluationRow, TrialRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One generator, by its canonical theta, with all of its evaluations at one fidelity."""

    evaluations: tuple[EvaluationRow, ...]
    values: tuple[float, ...]
    """Of the objective, one for each network that was trained; none that is not finite."""

    @property
    def proposals(self) -> tuple[int, ...]:
        return tuple(row.proposal for row in self.evaluations)

    @property
    def theta(self) -> Theta:
        return self.evaluations[0].theta

    @property
    def networks(self) -> int:
        return sum(row.samples for row in self.evaluations)

    @property
    def mean(self) -> float | None:
        return fmean(self.values) if self.values else None

    @property
    def deviation(self) -> float | None:
        """Standard deviation between its networks; None for fewer than two."""
        return stdev(self.values) if len(self.values) > 1 else None


def searched(rows: Sequence[R]) -> list[R]:
    """Evaluations or trials without those of final training."""
    return [row for row in rows if not row.final_training]


def evaluated_at(evaluations: Sequence[EvaluationRow], fidelity: int | None) -> list[EvaluationRow]:
    """The search's evaluations with values at that fidelity."""
    return [row for row in searched(evaluations) if row.outcome is Outcome.OK and row.fidelity == fidelity]


def compared_fidelity(evaluations: Sequence[EvaluationRow]) -> int | None:
    """At which the best is found: the highest of the search's newest phase. None without an evaluation that is ok.

    The views `incumbent` and `pareto_front` say the same.
    """
    known = [row for row in searched(evaluations) if row.outcome is Outcome.OK]
    ranks = [row.phase * LATER_PHASE + row.fidelity for row in known]
    return max(ranks) % LATER_PHASE if ranks else None


def found_generators(
    evaluations: Sequence[EvaluationRow], trials: Sequence[TrialRow], objective: Objective, fidelity: int
) -> tuple[Found, ...]:
    """Every generator that was evaluated at the fidelity, in the order of its first evaluation."""
    values: dict[int, list[float]] = {}
    for trial in trials:
        value = trial_value(trial, objective.name)
        if value is not None:
            values.setdefault(trial.proposal, []).append(value)
    return tuple(
        Found(
            evaluations=tuple(group),
            values=tuple(value for row in group for value in values.get(row.proposal, ())),
        )
        for group in _by_generator(evaluated_at(evaluations, fidelity))
    )


def merge_generators(
    evaluations: Sequence[EvaluationRow], objectives: Sequence[Objective], fidelity: int | None
) -> list[GeneratorRow]:
    """One row for each generator that was evaluated at the fidelity, in the order of its first evaluation."""
    return [_merged(group, objectives) for group in _by_generator(evaluated_at(evaluations, fidelity))]


def _by_generator(evaluations: Sequence[EvaluationRow]) -> list[list[EvaluationRow]]:
    groups: dict[GeneratorKey, list[EvaluationRow]] = {}
    for row in evaluations:
        groups.setdefault(generator_key(row.canonical_theta), []).append(row)
    return list(groups.values())


def best_generator(generators: Sequence[G]) -> G | None:
    """The best by the first objective; ties are broken by the next objectives, then by the order of the rows.

    It is therefore Pareto-optimal. None without a row.
    """
    return min(generators, key=costs_in_order, default=None)


def costs_in_order(generator: HasCosts) -> tuple[tuple[bool, float], ...]:
    """Its costs, to be compared one after the other; NaN comes last."""
    return tuple((math.isnan(cost), 0.0 if math.isnan(cost) else cost) for cost in generator.costs)


def _merged(group: Sequence[EvaluationRow], objectives: Sequence[Objective]) -> GeneratorRow:
    means = {item.name: _mean_value(group, item.name) for item in objectives}
    costs = {f"cost_{place}": item.cost(means[item.name]) for place, item in enumerate(objectives, start=1)}
    values: dict[str, Any] = {name: getattr(group[0], name) for name in _SHARED}
    values |= {**costs, "objective_values": means, "samples": sum(row.samples for row in group)}
    return GeneratorRow(**values, proposals=tuple(row.proposal for row in group))


def _mean_value(group: Sequence[EvaluationRow], name: str) -> float:
    return mean_over_networks([(row.objective_values.get(name, math.nan), row.samples) for row in group])


def mean_over_networks(known: Sequence[tuple[float, int]]) -> float:
    """Of pairs: an evaluation's value, which is a mean itself, and its number of networks. What diverged counts too."""
    if len(known) == 1:
        return known[0][0]
    return sum(value * samples for value, samples in known) / sum(samples for _, samples in known)


def trial_value(trial: TrialRow, name: str) -> float | None:
    """An objective's value of one trained network; None unless it is finite."""
    value = METRICS[name].value(trial) if trial.validation_accuracy is not None else None
    return float(value) if value is not None and math.isfinite(value) else None
