"""Each attempt on Kubernetes has a login of its own, by which the database knows it: no secret stands in a statement.

`attempt.login` names the role. Three further functions find the attempt by `session_user`, which nothing that a
session may do changes. Those that take a name and a token stay for trainers of older images; for an attempt that has a
login they listen to that login alone. The table holds digests of the tokens from now on, also of those that were there.

Before PostgreSQL 15, everybody may create objects in the schema `public`. That is revoked for the schema of the tables
where this user may do so; else `nago-orch doctor` says what an administrator has to run.
"""

from __future__ import annotations

from types import ModuleType

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

INDEX = "uq_attempt_login"
SIGNATURES = ("nago_read_task()", "nago_add_epoch(jsonb)", "nago_add_result(jsonb)")

_OF_THE_TOKEN = """
    SELECT attempt.* INTO own FROM {schema}.attempt
    WHERE attempt.token = pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(secret, 'UTF8')), 'hex')
    AND attempt.name = attempt_name AND (attempt.login IS NULL OR attempt.login = session_user::text);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no attempt of this name and token' USING ERRCODE = 'insufficient_privilege';
    END IF;
"""
_OF_THE_LOGIN = """
    SELECT attempt.* INTO own FROM {schema}.attempt WHERE attempt.login = session_user::text;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no attempt of this login' USING ERRCODE = 'insufficient_privilege';
    END IF;
"""
_TASK = "own.task::jsonb END"
_TASK_WITH_TOKEN = "own.task::jsonb || pg_catalog.jsonb_build_object('token', secret) END"
_NAME_AND_TOKEN = "attempt_name text, secret text"


def upgrade() -> None:
    op.add_column("attempt", sa.Column("login", sa.String(63), nullable=True))
    op.create_index(INDEX, "attempt", ["login"], unique=True)
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    schema = _schema(connection)
    for function in _functions_before():
        access = _module("0003")
        by_token = function.replace(access._FIND, _OF_THE_TOKEN).replace(_TASK, _TASK_WITH_TOKEN)
        by_login = function.replace(access._FIND, _OF_THE_LOGIN)
        by_login = by_login.replace(f"{_NAME_AND_TOKEN}, ", "").replace(_NAME_AND_TOKEN, "")
        _replace(connection, by_token.format(schema=schema))
        _replace(connection, by_login.format(schema=schema))
    for signature in SIGNATURES:
        connection.exec_driver_sql(f"REVOKE ALL ON FUNCTION {schema}.{signature} FROM PUBLIC")
        connection.exec_driver_sql(f"GRANT EXECUTE ON FUNCTION {schema}.{signature} TO {_module('0003').ROLE}")
    connection.exec_driver_sql(
        f"UPDATE {schema}.attempt SET token = encode(sha256(convert_to(token, 'UTF8')), 'hex'),"
        ' task = CASE WHEN task IS NOT NULL THEN (task::jsonb || \'{"token": ""}\')::json END'
        " WHERE executor = 'kubernetes'"
    )
    _revoke_creation(connection, schema)


def downgrade() -> None:
    """Attempts that run cannot report any more: what their tokens were cannot be computed from the digests."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        schema = _schema(connection)
        for signature in SIGNATURES:
            connection.exec_driver_sql(f"DROP FUNCTION {schema}.{signature}")
        for function in _functions_before():
            _replace(connection, function.format(schema=schema))
    op.drop_index(INDEX, "attempt")
    op.drop_column("attempt", "login")


def _functions_before() -> tuple[str, ...]:
    access, checks = _module("0003"), _module("0007")
    return (
        access.READ_TASK,
        checks._checked(access.ADD_EPOCH, checks._EPOCH_CHECKS),
        checks._checked(access.ADD_RESULT, checks._RESULT_CHECKS),
    )


def _replace(connection: sa.Connection, function: str) -> None:
    connection.exec_driver_sql(function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


def _revoke_creation(connection: sa.Connection, schema: str) -> None:
    """Only who owns the schema may; a superuser may everything."""
    owner = (
        "SELECT pg_has_role(nspowner, 'USAGE') FROM pg_catalog.pg_class"
        " JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE pg_class.oid = pg_catalog.to_regclass('attempt')"
    )
    if connection.exec_driver_sql(owner).scalar_one():
        connection.exec_driver_sql(f"GRANT CREATE ON SCHEMA {schema} TO CURRENT_USER")
        connection.exec_driver_sql(f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC")


def _schema(connection: sa.Connection) -> str:
    """Where the tables are, quoted."""
    return str(
        connection.exec_driver_sql(
            "SELECT pg_catalog.quote_ident(nspname) FROM pg_catalog.pg_class"
            " JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace"
            " WHERE pg_class.oid = pg_catalog.to_regclass('attempt')"
        ).scalar_one()
    )


def _module(older: str) -> ModuleType:
    """Of an older revision, wherever the migrations are installed."""
    environment = op.get_context().environment_context
    found = environment and environment.script.get_revision(older)
    if not found:
        raise LookupError(f"the revision {older} is not there")
    return found.module
