"""Rows of `data_check`: each a Job that looks at the images of a study which only trainers see."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from nago_orchestrator.domain.data_checks import DataCheck
from nago_orchestrator.domain.states import AttemptState, Failure
from nago_orchestrator.errors import StaleStateError
from nago_orchestrator.store.schema import data_check
from nago_orchestrator.store.transactions import Transactions


class DataChecks:
    """Each method is one transaction, or part of one that the store has opened; see `Store`."""

    def __init__(self, transactions: Transactions) -> None:
        self._write, self._read = transactions.write, transactions.read

    def last(self, study_id: int) -> tuple[DataCheck, ...]:
        """From the last one of a study that ended well, oldest first: those that decide whether another may begin."""
        with self._read() as connection:
            return last(connection, study_id)

    def add(self, study_id: int, number: int, study_changed_at: datetime, now: datetime) -> None:
        """The intent to look."""
        values = {
            "study_id": study_id,
            "number": number,
            "state": AttemptState.CREATED,
            "study_changed_at": study_changed_at,
            "created_at": now,
        }
        with self._write() as connection:
            connection.execute(insert(data_check).values(values))

    def note(self, study_id: int, number: int, state: AttemptState, reason: str | None, message: str | None) -> None:
        """It runs, or why it does not. Raises StaleStateError for one that has ended."""
        with self._write() as connection:
            _change(connection, study_id, number, state=state, reason=reason, message=message)

    def end(self, study_id: int, ended: DataCheck) -> None:
        """Raises StaleStateError for one that has ended already."""
        values = {
            "state": ended.state,
            "failure": ended.failure,
            "reason": ended.reason,
            "message": ended.message,
            "ended_at": ended.ended_at,
        }
        with self._write() as connection:
            _change(connection, study_id, ended.number, **values)


def last(connection: Connection, study_id: int) -> tuple[DataCheck, ...]:
    """Not a fixed number of them: how many may fail is the user's to say."""
    of_study = data_check.c.study_id == study_id
    ended_well = select(func.max(data_check.c.number)).where(of_study, data_check.c.state == AttemptState.SUCCEEDED)
    since = data_check.c.number >= func.coalesce(ended_well.scalar_subquery(), 0)
    chosen = select(data_check).where(of_study, since).order_by(data_check.c.number)
    return tuple(map(_check, connection.execute(chosen)))


def _change(connection: Connection, study_id: int, number: int, **values: Any) -> None:
    live = (data_check.c.study_id == study_id, data_check.c.number == number, data_check.c.ended_at.is_(None))
    if connection.execute(update(data_check).where(*live).values(**values)).rowcount != 1:
        raise StaleStateError(f"check {number} of the images has ended")


def _check(row: Row[Any]) -> DataCheck:
    return DataCheck(
        number=row.number,
        state=AttemptState(row.state),
        failure=None if row.failure is None else Failure(row.failure),
        reason=row.reason,
        message=row.message,
        study_changed_at=row.study_changed_at,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )
