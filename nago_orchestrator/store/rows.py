"""How `queries` and `found` read: rows of tables and views as the domain's frozen values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Select, Table, func, select

from nago_orchestrator.domain.proposals import Origin, Outcome
from nago_orchestrator.domain.rows import AttemptRow, EpochRow, EvaluationRow, TrialRow
from nago_orchestrator.domain.states import AttemptState, Failure, TrialState
from nago_orchestrator.store import schema
from nago_orchestrator.store.database_errors import translated
from nago_orchestrator.store.engine import describe, for_reading
from nago_orchestrator.store.history import decode_values
from nago_orchestrator.store.views import FORMER_NAMES

T = TypeVar("T")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """No transaction on PostgreSQL: behind a pooler with one connection it would keep out what is asked meanwhile."""
    with translated(describe(engine.url)), for_reading(engine).connect() as connection:
        yield connection


def rows(
    connection: Connection, query: Select[Any], kind: Callable[..., T], **decoders: Callable[[Any], Any]
) -> list[T]:
    """The query's rows, its columns as arguments of `kind`; `decoders`: by column, called where it is not null."""
    found = connection.execute(query)
    keys = tuple(found.keys())
    return [kind(**_decoded(dict(zip(keys, row, strict=True)), decoders)) for row in found]


def _decoded(values: dict[str, Any], decoders: dict[str, Callable[[Any], Any]]) -> dict[str, Any]:
    for name, decode in decoders.items():
        if values[name] is not None:
            values[name] = decode(values[name])
    return values


def trial_rows(connection: Connection, query: Select[Any]) -> list[TrialRow]:
    """`query`: of the view `trial_overview`."""
    return rows(connection, query, TrialRow, state=TrialState, origin=Origin, last_failure=Failure)


def attempt_rows(connection: Connection, query: Select[Any], kind: type[AttemptRow] = AttemptRow) -> list[Any]:
    return rows(connection, query, kind, state=AttemptState, failure=Failure)


def epoch_rows(connection: Connection, query: Select[Any]) -> list[EpochRow]:
    return rows(connection, query, EpochRow)


def evaluation_rows(connection: Connection, query: Select[Any]) -> list[EvaluationRow]:
    """`query`: of `evaluation_columns`."""
    return rows(connection, query, EvaluationRow, outcome=Outcome, origin=Origin, objective_values=decode_values)


def of_study(view: Table, name: str) -> Select[Any]:
    return select(*(column for column in view.c if column.name not in FORMER_NAMES)).where(view.c.study == name)


def evaluation_columns() -> list[Any]:
    """Of `evaluation` joined with `proposal`."""
    proposal, evaluation = schema.proposal, schema.evaluation
    numbers = {
        "evaluation": evaluation.c.number,
        "proposal": proposal.c.number,
        "run_of": func.coalesce(proposal.c.run_of, proposal.c.fidelity),
    }
    columns: list[Any] = []
    for name in (field.name for field in fields(EvaluationRow)):
        if name in numbers:
            columns.append(numbers[name].label(name))
        else:
            columns.append(evaluation.c[name] if name in evaluation.c else proposal.c[name])
    return columns
