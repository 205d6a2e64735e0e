"""Trainers can no longer store what no training can have measured: a value out of range is refused by the database.

The checks are those of `nago_trainer.contract.reports`, with what the trial's own rows know beside them. A refused call
raises an error in the trainer's session, and nothing is stored.
"""

from __future__ import annotations

from types import ModuleType

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

LONGEST_SECONDS = 1e9


def _refuse_unless(condition: str, problem: str) -> str:
    """A missing value makes a condition null, and is refused too."""
    return f"""
    IF ({condition}) IS NOT TRUE THEN
        RAISE EXCEPTION 'the report is not valid: {problem}' USING ERRCODE = 'check_violation';
    END IF;
"""


def _between(report: str, name: str, low: str, high: str) -> str:
    """NaN is the largest number of PostgreSQL."""
    value = f"({report} ->> '{name}')::double precision"
    return _refuse_unless(f"{value} BETWEEN {low} AND {high}", f"{name} must be between {low} and {high}")


def _not_negative(report: str, name: str) -> str:
    return _refuse_unless(f"({report} ->> '{name}')::double precision >= 0", f"{name} must not be negative")


_EPOCH_CHECKS = (
    _refuse_unless("(seen ->> 'epoch')::integer >= 1", "epoch must be at least 1")
    + _not_negative("seen", "training_loss")
    + _between("seen", "training_accuracy", "0", "1")
    + _not_negative("seen", "validation_loss")
    + _between("seen", "validation_accuracy", "0", "1")
    + _between("seen", "learning_rate", "0", "1e9")
    + _between("seen", "seconds", "0", str(LONGEST_SECONDS))
)
_RESULT_CHECKS = (
    _between("told", "validation_accuracy", "0", "1")
    + _not_negative("told", "validation_loss")
    + _refuse_unless(
        "(told ->> 'epochs')::integer BETWEEN 0 AND"
        " (SELECT proposal.fidelity FROM {schema}.proposal WHERE proposal.id = owner.proposal_id)",
        "epochs must be between 0 and those of the trial",
    )
    + _between("told", "seconds", "0", str(LONGEST_SECONDS))
    + _between("told", "seconds_to_first_step", "0", str(LONGEST_SECONDS))
    + _refuse_unless("(told ->> 'parameters')::bigint = owner.parameters", "parameters must be those of the trial")
)


def upgrade() -> None:
    access = _module("0003")
    _replace(access, _checked(access.ADD_EPOCH, _EPOCH_CHECKS), _checked(access.ADD_RESULT, _RESULT_CHECKS))


def downgrade() -> None:
    access = _module("0003")
    _replace(access, access.ADD_EPOCH, access.ADD_RESULT)


def _checked(function: str, checks: str) -> str:
    """The function with the checks before its one INSERT."""
    head, tail = function.split("    INSERT INTO", maxsplit=1)
    return f"{head}{checks}    INSERT INTO{tail}"


def _replace(access: ModuleType, *functions: str) -> None:
    """Who may call a function stays as it is."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    schema = _schema(connection)
    for function in functions:
        replaced = function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
        connection.exec_driver_sql(replaced.format(schema=schema))


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
