"""Three columns take the names of the glossary; queries with their former names keep working.

The former names become generated columns: the database computes them, and nobody can write them. The views gain the
new names at their ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

VIEWS = ("trial_overview", "incumbent", "pareto_front")

_RENAMED = (
    ("evaluation", "told_at", "evaluated_at", sa.DateTime(timezone=True)),
    ("proposal", "told_before", "evaluations_before", sa.Integer()),
    ("proposal", "final", "final_training", sa.Boolean()),
)
"""Table, former name, name, type."""


def upgrade() -> None:
    _drop_views()
    # PostgreSQL before 18 can only store what it computes; SQLite can add only what it computes when it is read.
    stored = op.get_bind().dialect.name == "postgresql"
    for table, former, name, kind in _RENAMED:
        op.alter_column(table, former, new_column_name=name)
        op.add_column(table, sa.Column(former, kind, sa.Computed(name, persisted=stored), nullable=True))
    before = _views_before()
    op.execute(_with_column(before["trial_overview"], "proposal.final_training"))
    op.execute(_with_column(before["incumbent"], "evaluation.evaluated_at"))
    op.execute(_with_column(before["pareto_front"], "evaluation.evaluated_at"))


def downgrade() -> None:
    _drop_views()
    for table, former, name, _ in _RENAMED:
        op.drop_column(table, former)
        op.alter_column(table, name, new_column_name=former)
    for view in _views_before().values():
        op.execute(view)


def _drop_views() -> None:
    for view in VIEWS:
        op.execute(f"DROP VIEW {view}")


def _views_before() -> Mapping[str, str]:
    phases = _module("0004")
    return {
        "trial_overview": phases.TRIAL_OVERVIEW,
        "incumbent": _module("0005").ordered(phases.INCUMBENT),
        "pareto_front": phases.PARETO_FRONT,
    }


def _with_column(view: str, column: str) -> str:
    """The view with one more column, its last; the first FROM at the beginning of a line is the view's own."""
    head, tail = view.split("\nFROM study\n", maxsplit=1)
    return f"{head.rstrip()},\n    {column}\nFROM study\n{tail}"


def _module(older: str) -> ModuleType:
    """Of an older revision, wherever the migrations are installed."""
    environment = op.get_context().environment_context
    found = environment and environment.script.get_revision(older)
    if not found:
        raise LookupError(f"the revision {older} is not there")
    return found.module
