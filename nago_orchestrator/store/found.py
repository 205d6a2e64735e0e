"""What a search has found: its best generator and its Pareto front, for the command line and the report.

A generator that was evaluated several times counts once, with the mean over all its networks
(`generator_results.merge_generators`); the views `incumbent` and `pareto_front` tell of single evaluations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, select

from nago_orchestrator.domain.generator_key import GeneratorKey, generator_key
from nago_orchestrator.domain.proposals import Outcome
from nago_orchestrator.domain.rows import BestGenerator, GeneratorRow, widened
from nago_orchestrator.evaluation.generator_results import (
    LATER_PHASE,
    best_generator,
    costs_in_order,
    mean_over_networks,
    merge_generators,
)
from nago_orchestrator.store import schema, studies, views
from nago_orchestrator.store.records import Study
from nago_orchestrator.store.rows import evaluation_columns, evaluation_rows, of_study, reading, trial_rows


@dataclass(frozen=True, slots=True)
class _Compared:
    """A generator with no more than it takes to compare it: there may be very many."""

    fidelity: int
    proposals: tuple[int, ...]
    costs: tuple[float, ...]


def incumbent(engine: Engine, name: str) -> BestGenerator | None:
    """The best generator at the highest fidelity of the search's newest phase; None before the first ok evaluation."""
    overview = views.trial_overview
    with reading(engine) as connection:
        study = studies.find(connection, name)
        best = best_generator(_generators(connection, study, None))
        if best is None:
            return None
        (whole,) = _whole(connection, study, [best])
        chosen = of_study(overview, name).where(overview.c.proposal.in_(best.proposals)).order_by(overview.c.trial)
        return widened(BestGenerator, whole, trials=tuple(trial_rows(connection, chosen)))


def pareto_front(engine: Engine, name: str, fidelity: int | None = None) -> list[GeneratorRow]:
    """The Pareto-optimal generators, by their costs.

    At that fidelity; without one at the highest of the search's newest phase. One with a cost that is not finite is
    on no front.
    """
    from nago_orchestrator.evaluation.pareto import non_dominated  # numpy costs a tenth of a second

    with reading(engine) as connection:
        study = studies.find(connection, name)
        found = _generators(connection, study, fidelity)
        if not found:
            return []
        on_front = non_dominated([generator.costs for generator in found])
        front = [generator for generator, chosen in zip(found, on_front, strict=True) if chosen]
        return sorted(_whole(connection, study, front), key=costs_in_order)


def _generators(connection: Connection, study: Study, fidelity: int | None) -> list[_Compared]:
    """All of a fidelity, in the order of their first evaluations."""
    proposal, evaluation = schema.proposal, schema.evaluation
    if fidelity is None:
        rank = func.max(proposal.c.phase * LATER_PHASE + evaluation.c.fidelity)
        newest: int | None = connection.scalar(_of(study, select(rank)))
        if newest is None:
            return []
        fidelity = newest % LATER_PHASE
    costs = [evaluation.c[f"cost_{place}"] for place in range(1, len(study.objectives) + 1)]
    shared = (proposal.c.number, evaluation.c.samples, proposal.c.canonical_theta)
    told = connection.execute(_of(study, select(*shared, *costs), fidelity).order_by(evaluation.c.number))
    groups: dict[GeneratorKey, list[tuple[int, int, list[float]]]] = {}
    for number, samples, theta, *values in told:
        groups.setdefault(generator_key(theta), []).append((number, samples, values))
    return [
        _Compared(
            fidelity=fidelity,
            proposals=tuple(number for number, _, _ in group),
            costs=tuple(
                mean_over_networks([(values[place], samples) for _, samples, values in group])
                for place in range(len(costs))
            ),
        )
        for group in groups.values()
    ]


def _whole(connection: Connection, study: Study, generators: Sequence[_Compared]) -> list[GeneratorRow]:
    """The same with all columns, in the order of their first evaluations."""
    if not generators:
        return []
    numbers = [number for generator in generators for number in generator.proposals]
    own = _of(study, select(*evaluation_columns()), generators[0].fidelity)
    chosen = own.where(schema.proposal.c.number.in_(numbers)).order_by(schema.evaluation.c.number)
    return merge_generators(evaluation_rows(connection, chosen), study.objectives, generators[0].fidelity)


def _of(study: Study, columns: Select[Any], fidelity: int | None = None) -> Select[Any]:
    """Of the search's evaluations that have values."""
    proposal, evaluation = schema.proposal, schema.evaluation
    chosen = columns.select_from(evaluation.join(proposal, evaluation.c.proposal_id == proposal.c.id)).where(
        evaluation.c.study_id == study.id, evaluation.c.outcome == Outcome.OK, ~proposal.c.final_training
    )
    return chosen if fidelity is None else chosen.where(evaluation.c.fidelity == fidelity)
