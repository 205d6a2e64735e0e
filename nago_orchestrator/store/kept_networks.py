"""What is stored of saved networks. Nothing here looks at a file."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Engine, select

from nago_orchestrator.domain.kept_networks import KeptNetwork
from nago_orchestrator.store import schema, studies
from nago_orchestrator.store.rows import reading, rows


def kept_networks(engine: Engine, study: str, trials: Collection[int] | None = None) -> list[KeptNetwork]:
    """By trial; `trials`: only theirs. Raises DatabaseError, or NotFoundError without the study."""
    proposal, trial, attempt, result = schema.proposal, schema.trial, schema.attempt, schema.result
    chosen = (
        select(
            schema.study.c.name.label("study"),
            trial.c.number.label("trial"),
            proposal.c.number.label("proposal"),
            proposal.c.final_training,
            result.c.epochs,
            result.c.validation_accuracy,
            result.c.validation_loss,
            trial.c.parameters,
            trial.c.bytes_per_sample,
            attempt.c.name.label("attempt"),
            attempt.c.executor,
            attempt.c.node,
            result.c.network,
        )
        .join_from(result, trial, result.c.trial_id == trial.c.id)
        .join(attempt, result.c.attempt_id == attempt.c.id)
        .join(proposal, trial.c.proposal_id == proposal.c.id)
        .join(schema.study, trial.c.study_id == schema.study.c.id)
        .where(result.c.network.is_not(None))
        .order_by(trial.c.number)
    )
    if trials is not None:
        chosen = chosen.where(trial.c.number.in_(trials))
    with reading(engine) as connection:
        return rows(connection, chosen.where(trial.c.study_id == studies.find_id(connection, study)), KeptNetwork)
