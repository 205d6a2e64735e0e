"""The role for analysts that docs/operations.md describes: it reads everything, and nothing of it opens anything."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import errors
from sqlalchemy import make_url

from nago_orchestrator.store.schema import metadata
from tests.conftest import PostgresDatabases
from tests.hostile.conftest import OWNER, Two

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"


def documented() -> list[str]:
    section = PAGE.read_text().partition("## Let others read the results")[2].partition("\n## ")[0]
    text = " ".join(line.strip() for line in section.splitlines() if line.startswith("    "))
    return [f"{statement.strip()}" for statement in re.split(";", text) if statement.strip()]


@pytest.fixture
def reader(two: Two, postgres: PostgresDatabases, owned_database: str) -> str:
    """The address of an analyst."""
    renamed = {"nago_reader": "nago_test_reader", " nago ": f" {OWNER} ", "ada": "nago_test_ada", "...": "secret"}
    admin = make_url(postgres.server).set(database=make_url(owned_database).database)
    address = admin.render_as_string(hide_password=False)
    for role in ("nago_test_ada", "nago_test_reader"):
        postgres.execute(
            f"DO $$ BEGIN DROP OWNED BY {role}; DROP ROLE {role}; EXCEPTION WHEN undefined_object THEN NULL; END $$",
            address=address,
        )
    for statement in documented():
        for name, other in renamed.items():
            statement = statement.replace(name, other)
        postgres.execute(statement, address=address)
    return make_url(owned_database).set(username="nago_test_ada").render_as_string(hide_password=False)


def test_an_analyst_reads_every_table_and_finds_no_secret(two: Two, reader: str) -> None:
    given = two.honest.given
    assert given.login is not None
    found = []
    with closing(psycopg2.connect(reader)) as session, session.cursor() as cursor:
        for table in (*(table.name for table in metadata.sorted_tables), "trial_overview", "pg_stat_activity"):
            cursor.execute(f"SELECT * FROM {table}")
            found += [str(row) for row in cursor.fetchall()]
        for refused in ("SELECT * FROM pg_authid", "DELETE FROM result", "SELECT nago_read_task()"):
            with pytest.raises(errors.InsufficientPrivilege):
                cursor.execute(refused)
            session.rollback()
    text = "\n".join(found)
    assert given.login.role in text
    for secret in (given.token, given.login.password, given.login.verifier):
        assert secret not in text
