"""A row of `attempt` as the domain's value."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, func, select

from nago_orchestrator.domain.attempts import Attempt
from nago_orchestrator.domain.states import AttemptState, Failure
from nago_orchestrator.store.schema import attempt, epoch

_OWN = (
    "id",
    "trial_id",
    "number",
    "name",
    "token",
    "state",
    "failure",
    "reason",
    "created_at",
    "started_at",
    "ended_at",
    "message",
)
_EPOCHS = select(func.max(epoch.c.epoch)).where(epoch.c.attempt_id == attempt.c.id).scalar_subquery()
ATTEMPT_COLUMNS = (*(attempt.c[name] for name in _OWN), _EPOCHS.label("last_epoch"))
"""What `attempt_of` reads. The task and the tail of the log are large, and stay unread."""


def attempt_of(row: Row[Any]) -> Attempt:
    return Attempt(
        id=row.id,
        number=row.number,
        name=row.name,
        token=row.token,
        state=AttemptState(row.state),
        failure=None if row.failure is None else Failure(row.failure),
        reason=row.reason,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        message=row.message,
        epochs=row.last_epoch or 0,
    )
