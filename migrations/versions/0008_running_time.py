"""How long a study has run, for `limits.wall_time`: pauses and times without an orchestrator do not count.

Of studies of before nobody has counted. Theirs is the time in which at least one of their attempts ran.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_study = sa.table("study", sa.column("id", sa.Integer()), sa.column("ran_seconds", sa.Double()))
_trial = sa.table("trial", sa.column("id", sa.Integer()), sa.column("study_id", sa.Integer()))
_attempt = sa.table(
    "attempt",
    sa.column("trial_id", sa.Integer()),
    sa.column("started_at", sa.DateTime(timezone=True)),
    sa.column("ended_at", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    op.add_column("study", sa.Column("ran_seconds", sa.Double(), nullable=False, server_default="0"))
    connection = op.get_bind()
    spans = connection.execute(
        sa.select(_trial.c.study_id, _attempt.c.started_at, _attempt.c.ended_at)
        .join_from(_trial, _attempt, _attempt.c.trial_id == _trial.c.id)
        .where(_attempt.c.started_at.is_not(None), _attempt.c.ended_at.is_not(None))
        .order_by(_trial.c.study_id, _attempt.c.started_at)
    ).all()
    for study_id, own in groupby(spans, key=lambda row: row.study_id):
        seconds = covered_seconds((row.started_at, row.ended_at) for row in own)
        connection.execute(sa.update(_study).where(_study.c.id == study_id).values(ran_seconds=seconds))


def downgrade() -> None:
    op.drop_column("study", "ran_seconds")


def covered_seconds(spans: Iterable[tuple[datetime, datetime]]) -> float:
    """Of spans in the order of their beginnings, the time that at least one of them covers."""
    seconds = 0.0
    until: datetime | None = None
    for start, end in spans:
        begin = start if until is None else max(start, until)
        if end > begin:
            seconds += (end - begin).total_seconds()
            until = end
    return seconds
