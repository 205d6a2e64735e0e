"""How `queries` and `found` read: plain rows (dicts) of tables and views."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Select, Table, select

from nago_orchestrator.store import schema, views
from nago_orchestrator.store.database_errors import translated
from nago_orchestrator.store.engine import describe
from nago_orchestrator.store.history import decode_values

Row = dict[str, Any]


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    with translated(describe(engine.url)), engine.connect() as connection:
        yield connection


def rows(connection: Connection, query: Select[Any]) -> list[Row]:
    found = connection.execute(query)
    keys = tuple(found.keys())
    return [dict(zip(keys, row, strict=True)) for row in found]


def evaluation_rows(connection: Connection, query: Select[Any]) -> list[Row]:
    return [{**row, "objective_values": decode_values(row["objective_values"])} for row in rows(connection, query)]


def of_study(view: Table, name: str) -> Select[Any]:
    return select(view).where(view.c.study == name)


def evaluation_columns() -> list[Any]:
    """Of `evaluation` joined with `proposal`: those of the view `incumbent` but the study, outcome and final."""
    proposal, evaluation = schema.proposal, schema.evaluation
    shared = [column.name for column in views.incumbent.c if column.name not in ("study", "evaluation", "proposal")]
    columns = [evaluation.c[name] if name in evaluation.c else proposal.c[name] for name in shared]
    numbers = (evaluation.c.number.label("evaluation"), proposal.c.number.label("proposal"))
    return [*numbers, evaluation.c.outcome, *columns, proposal.c.final]
