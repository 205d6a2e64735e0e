"""Rows of `result`: the one accepted result of a trial."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Text, bindparam, cast, delete, insert, select

from nago_orchestrator.domain.states import AttemptState
from nago_orchestrator.errors import StaleStateError
from nago_orchestrator.store.schema import attempt, result
from nago_trainer.contract.class_details import ClassDetails
from nago_trainer.contract.json_form import ContractError, read_json
from nago_trainer.contract.reports import TrialResult

_FIELDS = tuple(field.name for field in fields(TrialResult) if field.name != "details")
"""Of the details nothing is decided, and they are large."""
_PREFIX = "result_"
_AUTHOR = select(result.c.attempt_id).where(result.c.trial_id == bindparam("of_trial"))
_INSERT = insert(result)
_accepted = select(attempt.c.id).where(attempt.c.id == result.c.attempt_id, attempt.c.state == AttemptState.SUCCEEDED)
_DISCARD = delete(result).where(result.c.attempt_id == bindparam("of_attempt"), ~_accepted.exists())

RESULT_COLUMNS = tuple(result.c[name].label(_PREFIX + name) for name in _FIELDS)
"""For a select that joins `result`; `trial_result` reads them."""
DETAILS = cast(result.c.details, Text).label("details")
"""As text: the JSON is a trainer's, and a driver that parsed it would fail where it is too deep or has many digits."""


def trial_result(row: Row[Any]) -> TrialResult | None:
    """The result in a row with RESULT_COLUMNS; None where the outer join found none."""
    values = row._mapping
    if values[_PREFIX + "epochs"] is None:
        return None
    return TrialResult(**{name: values[_PREFIX + name] for name in _FIELDS})


def known_details(stored: str | None) -> ClassDetails | None:
    """Of DETAILS; None also for what a trainer stored itself in another form."""
    try:
        return None if stored is None else ClassDetails.from_json(read_json(stored))
    except ContractError:
        return None


def keep(connection: Connection, trial_id: int, attempt_id: int, new: TrialResult, now: datetime) -> None:
    """Stores the trial's result; the same attempt's earlier one stays. Raises StaleStateError for another's."""
    author = connection.scalar(_AUTHOR, {"of_trial": trial_id})
    if author is None:
        values = {**asdict(new), "trial_id": trial_id, "attempt_id": attempt_id, "recorded_at": now}
        connection.execute(_INSERT, values)
    elif author != attempt_id:
        raise StaleStateError("the trial has a result of another attempt already")


def discard(connection: Connection, attempt_id: int) -> None:
    """Removes what the attempt's trainer has stored, unless it was accepted: it is not valid."""
    connection.execute(_DISCARD, {"of_attempt": attempt_id})


def refuse_any(connection: Connection, trial_id: int) -> None:
    """Raises StaleStateError if the trial has a result: its trainer may store one at any moment."""
    if connection.scalar(_AUTHOR, {"of_trial": trial_id}) is not None:
        raise came_meanwhile()


def came_meanwhile() -> StaleStateError:
    return StaleStateError("the trial has received a result in the meantime, and nothing was changed")
