"""What is read of final training: its generators, networks and counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, func, select

from nago_orchestrator.domain.final_rows import FinalNetwork, FinalTraining, FinalTrainingCount
from nago_orchestrator.domain.generator_key import generator_key
from nago_orchestrator.domain.rows import widened
from nago_orchestrator.domain.states import TrialState
from nago_orchestrator.store import schema, studies, views
from nago_orchestrator.store.rows import of_study, reading, rows, trial_rows


def generators(engine: Engine, name: str) -> list[FinalTraining]:
    """One row for each generator and number of epochs, the earliest first."""
    proposal, trial, result = schema.proposal, schema.trial, schema.result
    with reading(engine) as connection:
        own = proposal.c.study_id == studies.find_id(connection, name)
        if not _has_final_training(connection, own):
            return []
        columns = (
            proposal.c.number,
            proposal.c.parent,
            proposal.c.fidelity,
            proposal.c.theta,
            proposal.c.canonical_theta,
        )
        asked = connection.execute(
            select(*columns).where(own, proposal.c.final_training).order_by(proposal.c.number)
        ).all()
        places = (
            select(trial.c.number, result.c.network)
            .join_from(result, trial, result.c.trial_id == trial.c.id)
            .join(proposal, trial.c.proposal_id == proposal.c.id)
            .where(own, proposal.c.final_training)
        )
        saved = {number: network for number, network in connection.execute(places)}
        networks = _final_networks(connection, name, saved)
    alike: dict[Any, list[Any]] = {}  # several of one generator: networks that were asked for later
    for row in asked:
        known_by = generator_key(row.canonical_theta) if row.parent is None else row.parent
        alike.setdefault((known_by, row.fidelity), []).append(row)
    return [
        FinalTraining(
            proposal=asked_for[0].number,
            parent=asked_for[0].parent,
            epochs=asked_for[0].fidelity,
            theta=asked_for[0].theta,
            trials=tuple(network for row in asked_for for network in networks[row.number]),
        )
        for asked_for in alike.values()
    ]


def _final_networks(
    connection: Connection, name: str, saved: Mapping[int, str | None]
) -> Mapping[int, list[FinalNetwork]]:
    """By proposal; `saved`: by trial."""
    overview = views.trial_overview
    networks: dict[int, list[FinalNetwork]] = defaultdict(list)
    for row in trial_rows(
        connection, of_study(overview, name).where(overview.c.final_training).order_by(overview.c.trial)
    ):
        networks[row.proposal].append(widened(FinalNetwork, row, network=saved.get(row.trial)))
    return networks


def counts(engine: Engine, name: str) -> list[FinalTrainingCount]:
    """How many networks final training has, by epochs and state; none before `train-best`."""
    trial, proposal = schema.trial, schema.proposal
    by = (proposal.c.fidelity.label("epochs"), trial.c.state)
    counted = select(*by, func.count().label("trials")).join_from(trial, proposal, trial.c.proposal_id == proposal.c.id)
    with reading(engine) as connection:
        own = proposal.c.study_id == studies.find_id(connection, name)
        if not _has_final_training(connection, own):
            return []
        chosen = counted.where(own, proposal.c.final_training).group_by(*by).order_by(*by)
        return rows(connection, chosen, FinalTrainingCount, state=TrialState)


def _has_final_training(connection: Connection, own: ColumnElement[bool]) -> bool:
    """Nothing else is proposed once it has begun; so the newest proposal says it, and the others stay unread."""
    newest = select(schema.proposal.c.final_training).where(own).order_by(schema.proposal.c.number.desc()).limit(1)
    return bool(connection.scalar(newest))
