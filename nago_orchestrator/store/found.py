"""What a search has found: its best generator and its Pareto front, for the command line and the report.

A generator that was evaluated several times counts once, with the mean over all its networks
(`generator_results.merge_generators`); the views `incumbent` and `pareto_front` tell of single evaluations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Integer, Select, cast, func, select

from nago_orchestrator.domain.generator_key import GeneratorKey, generator_key
from nago_orchestrator.domain.proposals import Outcome, Theta
from nago_orchestrator.domain.rows import BestGenerator, GeneratorRow, widened
from nago_orchestrator.evaluation.generator_results import (
    best_generator,
    costs_in_order,
    mean_over_networks,
    merge_generators,
)
from nago_orchestrator.store import schema, studies, views
from nago_orchestrator.store.records import Study
from nago_orchestrator.store.rows import evaluation_columns, evaluation_rows, of_study, reading, trial_rows

FIRST_EVALUATIONS = (20, 200, 2_000)
"""So many are looked at for the best; after the last number all."""
ROUNDING = 1e-12
PLACES = 1_000_000
"""Of a hyperparameter, times this: values that differ by rounding are at most one apart."""


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
        fidelity = compared_fidelity(connection, study)
        best = None if fidelity is None else _best(connection, study, fidelity)
        if best is None:
            return None
        (whole,) = _whole(connection, study, [best])
        trial, proposal = schema.trial, schema.proposal
        own = select(trial.c.number).join_from(proposal, trial, trial.c.proposal_id == proposal.c.id)
        numbers = connection.scalars(own.where(proposal.c.study_id == study.id, proposal.c.number.in_(best.proposals)))
        chosen = of_study(overview, name).where(overview.c.trial.in_(numbers.all())).order_by(overview.c.trial)
        return widened(BestGenerator, whole, trials=tuple(trial_rows(connection, chosen)))


def pareto_front(engine: Engine, name: str, fidelity: int | None = None) -> list[GeneratorRow]:
    """The Pareto-optimal generators, by their costs.

    At that fidelity; without one at the highest of the search's newest phase. One with a cost that is not finite is
    on no front.
    """
    from nago_orchestrator.evaluation.pareto import non_dominated  # numpy costs a tenth of a second

    with reading(engine) as connection:
        study = studies.find(connection, name)
        fidelity = compared_fidelity(connection, study) if fidelity is None else fidelity
        found = [] if fidelity is None else _generators(connection, study, fidelity)
        if not found:
            return []
        on_front = non_dominated([generator.costs for generator in found])
        front = [generator for generator, chosen in zip(found, on_front, strict=True) if chosen]
        return sorted(_whole(connection, study, front), key=costs_in_order)


def _best(connection: Connection, study: Study, fidelity: int) -> _Compared | None:
    """`best_generator` of all, mostly without reading them all.

    No generator is better than its best evaluation. So the best of those that have one of the first evaluations, in
    the order of the first cost, is the best of all as soon as it is better than the next evaluation.
    """
    proposal, evaluation = schema.proposal, schema.evaluation
    in_order = _of(study, select(evaluation.c.cost_1, proposal.c.canonical_theta), fidelity).order_by(
        evaluation.c.cost_1, evaluation.c.number
    )
    for count in FIRST_EVALUATIONS:
        told = connection.execute(in_order.limit(count + 1)).all()
        if len(told) <= count:
            break
        best = best_generator(_generators(connection, study, fidelity, _like([row.canonical_theta for row in told])))
        if best is not None and _is_less(best.costs[0], told[-1].cost_1):
            return best
    return best_generator(_generators(connection, study, fidelity))


def _is_less(cost: float, other: float) -> bool:
    """By more than a mean may be rounded; every number is less than NaN."""
    return not math.isnan(cost) and (math.isnan(other) or other - cost > ROUNDING * abs(other))


def _like(thetas: Sequence[Theta]) -> ColumnElement[bool]:
    """Of proposals that may be of the same generators, and maybe of a few others: by one hyperparameter alone."""
    places = {name: {int(theta[name] * PLACES) for theta in thetas} for name in thetas[0]}
    name = max(places, key=lambda name: len(places[name]))
    near = sorted({place + step for place in places[name] for step in (-1, 0, 1)})
    return cast(schema.proposal.c.canonical_theta[name].as_float() * PLACES, Integer).in_(near)


def compared_fidelity(connection: Connection, study: Study) -> int | None:
    """The highest of the search's newest phase with a value; None before the first one.

    As `generator_results.compared_fidelity` says it of rows; here no more than a few of them are read.
    """
    proposal, evaluation = schema.proposal, schema.evaluation
    newest = select(proposal.c.phase).where(proposal.c.study_id == study.id, ~proposal.c.final_training)
    phase = connection.scalar(newest.order_by(proposal.c.number.desc()).limit(1))  # a phase follows the one before
    known = select(func.max(evaluation.c.fidelity)).where(
        evaluation.c.study_id == study.id, evaluation.c.outcome == Outcome.OK
    )
    for chosen in range(phase, -1, -1) if phase is not None else ():
        fidelity = connection.scalar(known)
        while fidelity is not None:
            any_of_it = _of(study, select(evaluation.c.id), fidelity).where(proposal.c.phase == chosen).limit(1)
            if connection.scalar(any_of_it) is not None:
                return int(fidelity)
            fidelity = connection.scalar(known.where(evaluation.c.fidelity < fidelity))
    return None


def _generators(
    connection: Connection, study: Study, fidelity: int, chosen: ColumnElement[bool] | None = None
) -> list[_Compared]:
    """All of a fidelity, or of those `chosen`, in the order of their first evaluations."""
    proposal, evaluation = schema.proposal, schema.evaluation
    costs = [evaluation.c[f"cost_{place}"] for place in range(1, len(study.objectives) + 1)]
    shared = (proposal.c.number, evaluation.c.samples, proposal.c.canonical_theta)
    query = _of(study, select(*shared, *costs), fidelity).order_by(evaluation.c.number)
    told = connection.execute(query if chosen is None else query.where(chosen))
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
