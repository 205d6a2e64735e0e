"""INSERT of one row that is wanted for its id, and of rows of which some may be there already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import Connection, Insert, Row, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_one(connection: Connection, statement: Insert, values: Mapping[str, Any]) -> int:
    """The new row's id, for a table that numbers its rows."""
    key = connection.execute(statement, values).inserted_primary_key
    return int(cast("Row[Any]", key)[0])  # None only for many rows at once


def insert_or_ignore(connection: Connection, table: Table) -> Insert:
    """Leaves a row alone that is there already: each database has a dialect of its own for it."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()
