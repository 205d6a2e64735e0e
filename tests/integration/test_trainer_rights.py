"""What `doctor` makes of a real PostgreSQL: the trainers' role, their users, and room for their connections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from nago_orchestrator.domain.findings import Finding, State
from nago_orchestrator.store.checks import database_findings
from nago_orchestrator.store.engine import connect
from nago_orchestrator.store.trainer_rights import FUNCTIONS, ROLE, read_rights
from tests.conftest import PostgresDatabases
from tests.trainer_scene import CREATE_USER, USER


@pytest.fixture
def address(postgres: PostgresDatabases) -> Iterator[str]:
    """A database of this test alone; rights of roles are taken back afterwards."""
    made = postgres.create_current()
    postgres.execute(CREATE_USER, f"REVOKE {ROLE} FROM {USER}")
    yield made
    postgres.execute(f"ALTER ROLE {USER} NOSUPERUSER", f"GRANT {ROLE} TO {USER}")


def findings(address: str, parallelism: int | None = 4) -> dict[str, Finding]:
    return {found.check: found for found in database_findings(address, for_jobs=True, parallelism=parallelism)}


def test_what_the_migration_grants_is_all_well(address: str) -> None:
    found = findings(address)
    assert {finding.state for finding in found.values()} == {State.OK}
    assert set(found) == {"database", f"role {ROLE}", "trainers' logins", "connections"}


def test_every_function_of_the_migration_is_looked_at(address: str) -> None:
    engine = connect(address)
    with engine.connect() as connection:
        assert read_rights(connection).functions == dict.fromkeys(FUNCTIONS, True)
    engine.dispose()


def test_a_function_that_may_not_be_called_is_a_problem(address: str, postgres: PostgresDatabases) -> None:
    postgres.execute(f"REVOKE EXECUTE ON FUNCTION {FUNCTIONS[0]} FROM {ROLE}", address=address)
    finding = findings(address)[f"role {ROLE}"]
    assert finding.state is State.PROBLEM
    assert "may not call nago_read_task" in finding.detail
    postgres.execute(f"DROP FUNCTION {FUNCTIONS[0]}", address=address)
    assert "db upgrade" in str(findings(address)[f"role {ROLE}"].remedy)


def test_a_schema_that_may_not_be_used_is_a_problem(address: str, postgres: PostgresDatabases) -> None:
    postgres.execute(
        "REVOKE USAGE ON SCHEMA public FROM PUBLIC", f"REVOKE USAGE ON SCHEMA public FROM {ROLE}", address=address
    )
    assert "use the tables' schema" in findings(address)[f"role {ROLE}"].detail


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (f"GRANT SELECT, INSERT ON result TO {USER}", "on the table result (and 1 more)"),
        ("GRANT UPDATE ON study TO PUBLIC", "UPDATE on the table study"),
        (f"GRANT CREATE ON SCHEMA public TO {USER}", "create objects"),
        (f"ALTER ROLE {USER} SUPERUSER", "is a superuser"),
    ],
)
def test_more_than_a_trainer_needs_is_warned_of(
    address: str, postgres: PostgresDatabases, statement: str, words: str
) -> None:
    postgres.execute(f"GRANT {ROLE} TO {USER}", statement, address=address)
    finding = findings(address)[f"user {USER}"]
    assert finding.state is State.WARNING
    assert words in finding.detail


def test_a_login_that_trainers_share_is_warned_of(address: str, postgres: PostgresDatabases) -> None:
    postgres.execute(f"GRANT {ROLE} TO {USER}")
    finding = findings(address)["trainers' logins"]
    assert finding.state is State.WARNING
    assert USER in finding.detail
    assert f"DROP ROLE {USER}" in str(finding.remedy)


def test_a_user_that_may_not_make_logins_is_told_what_to_grant(address: str, postgres: PostgresDatabases) -> None:
    """Each of the two that the remedy names is needed, and together they are enough."""
    owner = "nago_test_plain_owner"
    postgres.execute(f"DROP ROLE IF EXISTS {owner}", f"CREATE ROLE {owner} LOGIN PASSWORD 'secret'")
    postgres.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {owner}", address=address)
    own = make_url(address).set(username=owner, password="secret").render_as_string(hide_password=False)
    try:
        finding = findings(own)["trainers' logins"]
        assert finding.state is State.PROBLEM
        assert "CREATEROLE" in str(finding.remedy)
        postgres.execute(f"ALTER ROLE {owner} CREATEROLE", f"GRANT {ROLE} TO {owner} WITH ADMIN OPTION")
        assert findings(own)["trainers' logins"].state is State.OK
    finally:
        postgres.execute(f"DROP OWNED BY {owner}", address=address)
        postgres.execute(f"DROP ROLE {owner}")


def test_a_schema_in_which_everybody_may_create_is_a_problem(address: str, postgres: PostgresDatabases) -> None:
    """As it comes with PostgreSQL 13 and 14; the migration closes it where it may."""
    postgres.execute("GRANT CREATE ON SCHEMA public TO PUBLIC", address=address)
    finding = findings(address)["schema public"]
    assert finding.state is State.PROBLEM
    assert "REVOKE CREATE ON SCHEMA public FROM PUBLIC" in str(finding.remedy)
    assert f"GRANT ALL ON SCHEMA public TO {make_url(address).username}" in str(finding.remedy)


@pytest.mark.parametrize(("parallelism", "state"), [(4, State.OK), (10_000, State.WARNING), (None, State.OK)])
def test_connections_are_counted_against_the_parallel_trials(
    address: str, parallelism: int | None, state: State
) -> None:
    assert findings(address, parallelism)["connections"].state is state


def test_a_database_with_a_limit_of_its_own_has_fewer(address: str, postgres: PostgresDatabases) -> None:
    name = address.partition("?")[0].rpartition("/")[2]
    postgres.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 11")
    assert findings(address)["connections"].detail.startswith("0 of 11 in use")
    assert findings(address)["connections"].state is State.WARNING


def test_an_empty_database_wants_its_schema(postgres: PostgresDatabases) -> None:
    (finding,) = database_findings(postgres.create(), for_jobs=True)
    assert finding.state is State.PROBLEM
    assert finding.remedy == "run nago-orch db upgrade"


def test_a_file_is_no_database_for_jobs(tmp_path: Path) -> None:
    (finding,) = database_findings(str(tmp_path / "nago.sqlite"), for_jobs=True)
    assert finding.state is State.PROBLEM
    assert "PostgreSQL" in finding.detail
    assert list(tmp_path.iterdir()) == []


def test_local_trials_need_no_role(address: str, postgres: PostgresDatabases, tmp_path: Path) -> None:
    assert [found.check for found in database_findings(address, for_jobs=False)] == ["database"]
    (finding,) = database_findings(str(tmp_path / "new.sqlite"), for_jobs=False)
    assert finding.state is State.OK
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_one_problem() -> None:
    (finding,) = database_findings("postgresql://nobody@127.0.0.1:1/nothing", for_jobs=True)
    assert (finding.state, finding.check) == (State.PROBLEM, "database")
