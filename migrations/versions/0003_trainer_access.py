"""What a trainer may do in the database: read its own task, add its epochs, add its result. Nothing else.

PostgreSQL: three functions that run with the rights of their owner, and the group role `nago_trainer`, which may call
them and has no right to any table. Each call names an attempt and proves itself by the attempt's token. On SQLite,
which knows no roles, trainers write to their folders instead; there the column alone is added.

The functions name every table with its schema and look up nothing else by the caller's search path.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from nago_orchestrator.errors import DatabaseError

revision = "0003"
down_revision = "0002"

ROLE = "nago_trainer"
SIGNATURES = ("nago_read_task(text, text)", "nago_add_epoch(text, text, jsonb)", "nago_add_result(text, text, jsonb)")

# The attempt becomes `own`; the error does not tell which part was wrong.
_FIND = """
    SELECT attempt.* INTO own FROM {schema}.attempt WHERE attempt.token = secret AND attempt.name = attempt_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no attempt of this name and token' USING ERRCODE = 'insufficient_privilege';
    END IF;
"""
# The lock makes the orchestrator's next attempt, and its verdict on this one, come before or after, never in between.
_LOCK_TRIAL = """
    SELECT trial.* INTO owner FROM {schema}.trial WHERE trial.id = own.trial_id FOR NO KEY UPDATE;
"""
_IS_OVER = """
    owner.state NOT IN ('queued', 'running')
    OR EXISTS (SELECT FROM {schema}.attempt WHERE attempt.trial_id = own.trial_id AND attempt.number > own.number)
"""
_PREAMBLE = """
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
"""

READ_TASK = f"""
CREATE FUNCTION {{schema}}.nago_read_task(attempt_name text, secret text) RETURNS jsonb
{_PREAMBLE} AS $$
DECLARE
    own {{schema}}.attempt;
BEGIN
{_FIND}
    RETURN CASE WHEN own.state IN ('created', 'running') THEN own.task::jsonb END;
END $$
"""

ADD_EPOCH = f"""
CREATE FUNCTION {{schema}}.nago_add_epoch(attempt_name text, secret text, seen jsonb) RETURNS boolean
{_PREAMBLE} AS $$
DECLARE
    own {{schema}}.attempt;
    owner {{schema}}.trial;
BEGIN
{_FIND}
    SELECT trial.* INTO owner FROM {{schema}}.trial WHERE trial.id = own.trial_id;
    IF {_IS_OVER} THEN
        RETURN false;
    END IF;
    IF (seen ->> 'epoch')::integer
        > (SELECT proposal.fidelity FROM {{schema}}.proposal WHERE proposal.id = owner.proposal_id)
    THEN
        RAISE EXCEPTION 'the trial has fewer epochs' USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO {{schema}}.epoch (
        attempt_id, epoch, training_loss, training_accuracy, validation_loss, validation_accuracy, learning_rate,
        seconds, recorded_at
    ) VALUES (
        own.id,
        (seen ->> 'epoch')::integer,
        (seen ->> 'training_loss')::double precision,
        (seen ->> 'training_accuracy')::double precision,
        (seen ->> 'validation_loss')::double precision,
        (seen ->> 'validation_accuracy')::double precision,
        (seen ->> 'learning_rate')::double precision,
        (seen ->> 'seconds')::double precision,
        clock_timestamp()
    ) ON CONFLICT DO NOTHING;
    RETURN true;
END $$
"""

ADD_RESULT = f"""
CREATE FUNCTION {{schema}}.nago_add_result(attempt_name text, secret text, told jsonb) RETURNS boolean
{_PREAMBLE} AS $$
DECLARE
    own {{schema}}.attempt;
    owner {{schema}}.trial;
BEGIN
{_FIND}
{_LOCK_TRIAL}
    IF EXISTS (SELECT FROM {{schema}}.result WHERE result.attempt_id = own.id) THEN
        RETURN true;
    END IF;
    IF {_IS_OVER} THEN
        RETURN false;
    END IF;
    INSERT INTO {{schema}}.result (
        trial_id, attempt_id, validation_accuracy, validation_loss, diverged, epochs, seconds, seconds_to_first_step,
        parameters, device, network, recorded_at
    ) VALUES (
        own.trial_id,
        own.id,
        (told ->> 'validation_accuracy')::double precision,
        (told ->> 'validation_loss')::double precision,
        (told ->> 'diverged')::boolean,
        (told ->> 'epochs')::integer,
        (told ->> 'seconds')::double precision,
        (told ->> 'seconds_to_first_step')::double precision,
        (told ->> 'parameters')::bigint,
        left(told ->> 'device', 1000),
        left(told ->> 'network', 1000),
        clock_timestamp()
    );
    RETURN true;
END $$
"""


def upgrade() -> None:
    op.add_column("attempt", sa.Column("task", sa.JSON(), nullable=True))
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    _ensure_role(connection)
    schema = _schema(connection)
    for function in (READ_TASK, ADD_EPOCH, ADD_RESULT):
        connection.exec_driver_sql(function.format(schema=schema))
    for signature in SIGNATURES:
        connection.exec_driver_sql(f"REVOKE ALL ON FUNCTION {schema}.{signature} FROM PUBLIC")
        connection.exec_driver_sql(f"GRANT EXECUTE ON FUNCTION {schema}.{signature} TO {ROLE}")
    if not _of_schema(connection, f"pg_catalog.has_schema_privilege('{ROLE}', pg_namespace.oid, 'USAGE')"):
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO {ROLE}")


def downgrade() -> None:
    """The role stays: it belongs to the whole server, and other databases of it may use it."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        for signature in SIGNATURES:
            connection.exec_driver_sql(f"DROP FUNCTION {_schema(connection)}.{signature}")
    op.drop_column("attempt", "task")


def _ensure_role(connection: sa.Connection) -> None:
    """Raises DatabaseError where the role is missing and this user may not create roles."""
    known = f"EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '{ROLE}')"
    if _asked(connection, known):
        return
    if not _asked(
        connection, "(SELECT rolsuper OR rolcreaterole FROM pg_catalog.pg_roles WHERE rolname = current_user)"
    ):
        raise DatabaseError(
            f"The database lacks the role {ROLE}, and this user may not create it: let an administrator run"
            f" `CREATE ROLE {ROLE} NOLOGIN`, then upgrade again."
        )
    connection.exec_driver_sql(
        # Another database of the same server may be upgraded at this moment: roles belong to the server.
        f"""
        DO $$ BEGIN
            CREATE ROLE {ROLE} NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END $$
        """
    )


def _schema(connection: sa.Connection) -> str:
    """Where the tables are, quoted."""
    return str(_of_schema(connection, "pg_catalog.quote_ident(nspname)"))


def _of_schema(connection: sa.Connection, expression: str) -> Any:
    """An expression over the row of `pg_namespace` in which the tables are."""
    return connection.exec_driver_sql(
        f"SELECT {expression} FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE pg_class.oid = pg_catalog.to_regclass('attempt')"
    ).scalar_one()


def _asked(connection: sa.Connection, condition: str) -> bool:
    return bool(connection.exec_driver_sql(f"SELECT {condition}").scalar_one())
