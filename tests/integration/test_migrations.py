"""The migrations make exactly the schema that the code speaks, on both databases, forwards and back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Engine, Table, inspect, text

from nago_orchestrator.domain.states import Failure, TrialState
from nago_orchestrator.errors import DatabaseError
from nago_orchestrator.store import versions
from nago_orchestrator.store.engine import connect, writing
from nago_orchestrator.store.schema import metadata
from nago_orchestrator.store.store import open_store
from nago_orchestrator.store.versions import HEAD, VERSION_TABLE, SchemaState
from nago_orchestrator.store.views import view_metadata
from tests.store_scene import NEW_STUDY, NOW, Scene

EMPTY_POSTGRESQL_IS_SLOW = pytest.mark.parametrize(
    "empty_database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)


def _structure(engine: Engine) -> dict[str, Any]:
    """Every table with its CHECKs and indices, every view with its columns."""
    found = inspect(engine)
    tables = {
        name: (
            sorted(str(check["name"]) for check in found.get_check_constraints(name)),
            sorted(str(index["name"]) for index in found.get_indexes(name)),
        )
        for name in found.get_table_names()
    }
    return tables | {name: [column["name"] for column in found.get_columns(name)] for name in found.get_view_names()}


def _set_revision(address: str, revision: str) -> None:
    engine = connect(address)
    with writing(engine) as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = :revision"), {"revision": revision})
    engine.dispose()


def test_the_head_that_is_compared_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(versions.migrations_folder()))
    revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert revisions == sorted(revisions, reverse=True)
    assert revisions[0] == HEAD


def test_migrations_and_tables_agree(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_migrations_and_checks_agree(engine: Engine, table: Table) -> None:
    """Alembic's own comparison leaves CHECKs out. PostgreSQL words them in its own way: there the names must do."""
    found = {str(check["name"]): check["sqltext"] for check in inspect(engine).get_check_constraints(table.name)}
    expected = {str(item.name): str(item.sqltext) for item in table.constraints if isinstance(item, CheckConstraint)}
    assert found.keys() == expected.keys()
    assert engine.dialect.name == "postgresql" or found == expected


@pytest.mark.parametrize("view", view_metadata.sorted_tables, ids=lambda view: view.name)
def test_views_have_the_columns_that_queries_expect(engine: Engine, view: Table) -> None:
    assert [column["name"] for column in inspect(engine).get_columns(view.name)] == view.columns.keys()


@EMPTY_POSTGRESQL_IS_SLOW
def test_upgrade_downgrade_upgrade_ends_where_it_began(empty_database_url: str) -> None:
    assert versions.upgrade(empty_database_url).state is SchemaState.CURRENT
    engine = connect(empty_database_url)
    first = _structure(engine)
    versions.downgrade(empty_database_url, "base")
    assert _structure(engine).keys() == {VERSION_TABLE}
    assert versions.upgrade(empty_database_url).state is SchemaState.CURRENT
    assert _structure(engine) == first
    engine.dispose()


def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    assert versions.upgrade(database_url) == versions.upgrade(database_url) == versions.check(database_url)


@EMPTY_POSTGRESQL_IS_SLOW
def test_every_single_step_can_be_upgraded_from(empty_database_url: str) -> None:
    versions.upgrade(empty_database_url)
    for revision in range(int(HEAD) - 1, 0, -1):
        versions.downgrade(empty_database_url, f"{revision:04}")
        status = versions.check(empty_database_url)
        assert (status.state, status.found) == (SchemaState.OLDER, f"{revision:04}")
        with pytest.raises(DatabaseError, match=r"run `nago-orch db upgrade`"):
            open_store(empty_database_url)
    assert versions.upgrade(empty_database_url).state is SchemaState.CURRENT


@EMPTY_POSTGRESQL_IS_SLOW
def test_a_study_of_before_has_run_as_long_as_its_attempts_did(empty_database_url: str) -> None:
    versions.upgrade(empty_database_url)
    store = open_store(empty_database_url)
    scene = Scene(store, store.create_study(NEW_STUDY, NOW))
    for trial, (start, end) in enumerate([(0, 60), (30, 50), (40, 100), (86_400, 86_405)]):
        scene.propose()
        attempt = scene.attempt(trial, now=NOW + timedelta(seconds=start))
        ended = NOW + timedelta(seconds=end)
        scene.fail(attempt, Failure.DEFECT, TrialState.FAILED, now=ended)
    scene.propose()
    scene.attempt(4)
    store.close()
    versions.downgrade(empty_database_url, "0007")
    versions.upgrade(empty_database_url)
    store = open_store(empty_database_url)
    assert store.study(NEW_STUDY.name).ran_seconds == 105.0
    store.close()


def test_a_newer_schema_is_left_alone(empty_database_url: str) -> None:
    versions.upgrade(empty_database_url)
    _set_revision(empty_database_url, "9999")
    assert versions.check(empty_database_url).state is SchemaState.NEWER
    for refused in (open_store, versions.upgrade):
        with pytest.raises(DatabaseError, match=r"schema 9999, newer than .*: upgrade nago-orchestrator"):
            refused(empty_database_url)


def test_checking_an_empty_database_creates_nothing(empty_database_url: str) -> None:
    for _ in range(2):
        status = versions.check(empty_database_url)
        assert (status.state, status.empty) == (SchemaState.ABSENT, True)


def test_several_processes_may_upgrade_at_the_same_moment(empty_database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(lambda _: versions.upgrade(empty_database_url).state, range(4)))
    assert ends == [SchemaState.CURRENT] * 4
