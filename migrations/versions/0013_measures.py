"""Measures beside the accuracy, a study's own objective, and details by class, of every trained network.

All are nullable: what older trainers report stays valid, and so do the rows that are there. The functions by which
trainers report store and check what is new (`nago_trainer.contract.reports`), and the view `trial_overview` gains
columns at its end.
"""

from __future__ import annotations

from types import ModuleType

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

SHARES = ("balanced_accuracy", "macro_f1", "top_5", "worst_class", "calibration_error")
NUMBERS = (*SHARES, "custom")
LARGEST_CUSTOM = 10**12
"""Of a study's own objective; written out in the function."""
MOST_DETAILS = 2_000_000
"""Characters of the details."""

_DETAILS = "nullif(told -> 'details', 'null'::jsonb)"


def upgrade() -> None:
    for name in NUMBERS:
        op.add_column("result", sa.Column(name, sa.Double(), nullable=True))
    op.add_column("result", sa.Column("details", sa.JSON(), nullable=True))
    connection = op.get_bind()
    view = _overview_before()
    for name in NUMBERS:
        view = _module("0006")._with_column(view, f"result.{name}")
    if connection.dialect.name == "postgresql":
        _replace_add_result(connection, _measuring(_add_result_before()))
        op.execute(view.replace("CREATE VIEW", "CREATE OR REPLACE VIEW"))  # whose rights stay as they are
    else:
        op.execute("DROP VIEW trial_overview")
        op.execute(view)


def downgrade() -> None:
    connection = op.get_bind()
    op.execute("DROP VIEW trial_overview")
    if connection.dialect.name == "postgresql":
        _replace_add_result(connection, _add_result_before())
    for name in ("details", *reversed(NUMBERS)):
        op.drop_column("result", name)
    op.execute(_overview_before())


def _measuring(function: str) -> str:
    """`nago_add_result` with the new columns, each checked before the one INSERT."""
    refuse_unless = _module("0007")._refuse_unless
    checks = "".join(
        refuse_unless(
            f"told ->> '{name}' IS NULL OR (told ->> '{name}')::double precision BETWEEN 0 AND 1",
            f"{name} must be between 0 and 1",
        )
        for name in SHARES
    )
    checks += refuse_unless(
        "told ->> 'custom' IS NULL"
        f" OR (told ->> 'custom')::double precision BETWEEN 0 AND {LARGEST_CUSTOM}"
        " OR ((told ->> 'custom')::double precision = 'NaN' AND (told ->> 'diverged')::boolean)",
        f"custom must be between 0 and {LARGEST_CUSTOM}",
    )
    checks += refuse_unless(
        f"{_DETAILS} IS NULL OR (jsonb_typeof(told -> 'details') = 'object'"
        f" AND length((told -> 'details')::text) <= {MOST_DETAILS})",
        f"details must be an object of at most {MOST_DETAILS} characters",
    )
    head, columns = function.split("    INSERT INTO", maxsplit=1)
    columns = columns.replace("network, recorded_at\n", f"network, recorded_at, {', '.join(NUMBERS)}, details\n")
    values = "".join(f",\n        (told ->> '{name}')::double precision" for name in NUMBERS)
    columns = columns.replace("clock_timestamp()\n", f"clock_timestamp(){values},\n        {_DETAILS}::json\n")
    return f"{head}{checks}    INSERT INTO{columns}"


def _add_result_before() -> str:
    return str(_module("0011")._functions_before()[2])


def _replace_add_result(connection: sa.Connection, function: str) -> None:
    """By name and token, and by login; who may call them stays as it is."""
    access, logins = _module("0003"), _module("0011")
    by_token = function.replace(access._FIND, logins._OF_THE_TOKEN)
    by_login = function.replace(access._FIND, logins._OF_THE_LOGIN).replace(f"{logins._NAME_AND_TOKEN}, ", "")
    for variant in (by_token, by_login):
        logins._replace(connection, variant.format(schema=logins._schema(connection)))


def _overview_before() -> str:
    names = _module("0006")
    return str(names._with_column(names._views_before()["trial_overview"], "proposal.final_training"))


def _module(older: str) -> ModuleType:
    """Of an older revision, wherever the migrations are installed."""
    environment = op.get_context().environment_context
    found = environment and environment.script.get_revision(older)
    if not found:
        raise LookupError(f"the revision {older} is not there")
    return found.module
