"""Rows of `proposal` and `evaluation`: what was asked for and what was observed, each in its order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Double, Row, Text, bindparam, cast, insert, select, type_coerce

from nago_orchestrator.domain.proposals import Evaluation, Origin, Outcome, Proposal, Theta
from nago_orchestrator.domain.states import TrialState
from nago_orchestrator.errors import NotFoundError
from nago_orchestrator.store.insert import insert_one
from nago_orchestrator.store.records import LARGEST_OBJECTIVE_COUNT, OpenProposal, ProposalTrial
from nago_orchestrator.store.results import RESULT_COLUMNS, trial_result
from nago_orchestrator.store.schema import evaluation, proposal, result, trial
from nago_trainer.contract.json_form import encode_number

_BATCH = 1_000
"""Rows whose documents are decoded together."""
_ORIGINS = {origin.value: origin for origin in Origin}
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}
_COSTS = [evaluation.c[f"cost_{place}"] for place in range(1, LARGEST_OBJECTIVE_COUNT + 1)]
_TRIAL_COLUMNS = (
    trial.c.replicate,
    trial.c.number.label("trial"),
    trial.c.state,
    trial.c.parameters,
    trial.c.flops,
    trial.c.bytes_per_sample,
    trial.c.infeasible_reason,
)
_OPEN_COLUMNS: tuple[ColumnElement[Any], ...] = (
    proposal.c.number,
    proposal.c.fidelity,
    proposal.c.final_training,
    *_TRIAL_COLUMNS,
    *RESULT_COLUMNS,
)

# Built once: the loop runs each of them for every proposal, and building costs as much as running.
_of_study = proposal.c.study_id == bindparam("of_study")
_of_number = proposal.c.number == bindparam("of_number")
_INSERT_PROPOSAL = insert(proposal)
_INSERT_EVALUATION = insert(evaluation)
_ASKED = select(proposal.c.id, proposal.c.fidelity).where(_of_study, _of_number)
_OPEN = (
    select(*_OPEN_COLUMNS)
    .select_from(proposal)
    .outerjoin(evaluation, evaluation.c.proposal_id == proposal.c.id)
    .outerjoin(trial, trial.c.proposal_id == proposal.c.id)
    .outerjoin(result, result.c.trial_id == trial.c.id)
    .where(_of_study, evaluation.c.id.is_(None))
    .order_by(proposal.c.number, trial.c.replicate)
)
_OPEN_ONE = _OPEN.where(_of_number)
_PROPOSALS = (
    select(
        proposal.c.number,
        cast(proposal.c.theta, Text).label("theta"),
        proposal.c.fidelity,
        proposal.c.origin,
        proposal.c.bracket,
        proposal.c.rung,
        proposal.c.slot,
        proposal.c.parent,
        proposal.c.evaluations_before,
        proposal.c.phase,
        proposal.c.final_training,
        proposal.c.run_of,
        cast(proposal.c.notes, Text).label("notes"),
    )
    .where(_of_study)
    .order_by(proposal.c.number)
)
_EVALUATIONS = (
    select(
        proposal.c.number.label("proposal"),
        evaluation.c.number,
        evaluation.c.outcome,
        evaluation.c.samples,
        cast(evaluation.c.objective_values, Text).label("objective_values"),
        *(type_coerce(cost, Double) for cost in _COSTS),  # as they are stored: `_evaluation` makes numbers of them
    )
    .join_from(evaluation, proposal, evaluation.c.proposal_id == proposal.c.id)
    .where(evaluation.c.study_id == bindparam("of_study"))
    .order_by(evaluation.c.number)
)


def add_proposal(connection: Connection, study_id: int, new: Proposal, canonical_theta: Theta, now: datetime) -> int:
    """Its id."""
    values = {
        "study_id": study_id,
        "number": new.number,
        "theta": dict(new.theta),
        "canonical_theta": dict(canonical_theta),
        "fidelity": new.fidelity,
        "origin": new.origin,
        "bracket": new.bracket,
        "rung": new.rung,
        "slot": new.slot,
        "parent": new.parent,
        "evaluations_before": new.evaluations_before,
        "phase": new.phase,
        "final_training": new.final_training,
        "run_of": new.run_of,
        "notes": dict(new.notes) or None,
        "created_at": now,
    }
    return insert_one(connection, _INSERT_PROPOSAL, values)


def proposals(connection: Connection, study_id: int) -> tuple[Proposal, ...]:
    found: list[Proposal] = []
    for rows in connection.execute(_PROPOSALS, {"of_study": study_id}).partitions(_BATCH):
        thetas, notes = _decoded(row.theta for row in rows), _decoded(row.notes for row in rows)
        found += map(_proposal, rows, thetas, notes)
    return tuple(found)


def unevaluated(connection: Connection, study_id: int) -> tuple[int, ...]:
    """The numbers of the proposals that have no evaluation, in their order."""
    numbers = (
        select(proposal.c.number)
        .outerjoin(evaluation, evaluation.c.proposal_id == proposal.c.id)
        .where(proposal.c.study_id == study_id, evaluation.c.id.is_(None))
        .order_by(proposal.c.number)
    )
    return tuple(connection.scalars(numbers))


def open_proposals(connection: Connection, study_id: int, number: int | None = None) -> tuple[OpenProposal, ...]:
    """All, or the one of that number if it is open."""
    if number is None:
        rows = connection.execute(_OPEN, {"of_study": study_id})
    else:
        rows = connection.execute(_OPEN_ONE, {"of_study": study_id, "of_number": number})
    return tuple(
        OpenProposal(
            number=number,
            fidelity=fidelity,
            final_training=final_training,
            trials=tuple(_proposal_trial(row) for row in group if row.trial is not None),
        )
        for (number, fidelity, final_training), group in groupby(
            rows, key=lambda row: (row.number, row.fidelity, row.final_training)
        )
    )


def add_evaluation(connection: Connection, study_id: int, new: Evaluation, now: datetime) -> None:
    """Raises NotFoundError for a proposal that the study does not have."""
    if len(new.costs) > len(_COSTS):
        raise ValueError(f"an evaluation has at most {len(_COSTS)} costs, not {len(new.costs)}")
    asked = connection.execute(_ASKED, {"of_study": study_id, "of_number": new.proposal}).one_or_none()
    if asked is None:
        raise NotFoundError(f"there is no proposal {new.proposal} in the study with the id {study_id}")
    costs = {column.name: cost for column, cost in zip(_COSTS, new.costs, strict=False)}
    values = {
        "study_id": study_id,
        "proposal_id": asked.id,
        "fidelity": asked.fidelity,
        "number": new.number,
        "outcome": new.outcome,
        "objective_values": {name: encode_number(value) for name, value in new.values.items()},
        "samples": new.samples,
        "evaluated_at": now,
    }
    connection.execute(_INSERT_EVALUATION, {**values, **costs})


def evaluations(connection: Connection, study_id: int) -> tuple[Evaluation, ...]:
    found: list[Evaluation] = []
    for rows in connection.execute(_EVALUATIONS, {"of_study": study_id}).partitions(_BATCH):
        found += map(_evaluation, rows, _decoded(row.objective_values for row in rows))
    return tuple(found)


def decode_values(stored: Mapping[str, Any]) -> dict[str, float]:
    """Objective values from their JSON form, in which NaN and infinity are strings."""
    return {name: float(value) for name, value in stored.items()}


def _decoded(documents: Iterable[str | None]) -> Sequence[Any]:
    """All at once: that takes a third of the time, and documents with the same keys share them in memory."""
    found: list[Any] = json.loads(f"[{','.join(document or 'null' for document in documents)}]")
    return found


def _proposal(row: Sequence[Any], theta: Theta, notes: Mapping[str, Any] | None) -> Proposal:
    number, _, fidelity, origin, bracket, rung, slot, parent, evaluations_before, phase, final_training, run_of, _ = row
    return Proposal(
        number=number,
        theta=theta,
        fidelity=fidelity,
        origin=_ORIGINS[origin],
        bracket=bracket,
        rung=rung,
        slot=slot,
        parent=parent,
        evaluations_before=evaluations_before,
        run_of=run_of,
        phase=phase,
        final_training=final_training,
        notes=notes or {},
    )


def _proposal_trial(row: Row[Any]) -> ProposalTrial:
    return ProposalTrial(
        number=row.trial,
        replicate=row.replicate,
        state=TrialState(row.state),
        result=trial_result(row),
        parameters=row.parameters,
        flops=row.flops,
        bytes_per_sample=row.bytes_per_sample,
        infeasible=row.infeasible_reason,
    )


def _evaluation(row: Sequence[Any], values: Mapping[str, Any]) -> Evaluation:
    proposal_number, number, outcome, samples, _, *costs = row
    return Evaluation(
        proposal=proposal_number,
        number=number,
        outcome=_OUTCOMES[outcome],
        values=decode_values(values),
        costs=tuple([float(cost) for cost in costs if cost is not None]),
        samples=samples,
    )
