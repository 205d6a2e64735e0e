"""Trials that are the beginning of a longer run, and what they go on from.

`proposal.run_of` is null for runs of their own, as all were before. With it, a promotion's trials go on from those of
its parent, each from the one of the same replicate; the view `trial_overview` says so in two more columns.
"""

from __future__ import annotations

from types import ModuleType

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

RUN_OF = "coalesce(proposal.run_of, proposal.fidelity) AS run_of"
CONTINUED_FROM = """CASE WHEN proposal.run_of IS NOT NULL THEN (
        SELECT earlier.number
        FROM trial AS earlier JOIN proposal AS parent ON parent.id = earlier.proposal_id
        WHERE parent.study_id = proposal.study_id AND parent.number = proposal.parent
            AND earlier.replicate = trial.replicate
    ) END AS continued_from"""


def upgrade() -> None:
    op.add_column("proposal", sa.Column("run_of", sa.Integer(), nullable=True))
    with_column = _module("0006")._with_column
    view = with_column(with_column(_overview_before(), RUN_OF), CONTINUED_FROM)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(view.replace("CREATE VIEW", "CREATE OR REPLACE VIEW"))  # whose rights stay as they are
    else:
        op.execute("DROP VIEW trial_overview")
        op.execute(view)


def downgrade() -> None:
    op.execute("DROP VIEW trial_overview")
    op.drop_column("proposal", "run_of")
    op.execute(_overview_before())


def _overview_before() -> str:
    measures = _module("0013")
    view = str(measures._overview_before())
    for name in measures.NUMBERS:
        view = _module("0006")._with_column(view, f"result.{name}")
    return view


def _module(older: str) -> ModuleType:
    """Of an older revision, wherever the migrations are installed."""
    environment = op.get_context().environment_context
    found = environment and environment.script.get_revision(older)
    if not found:
        raise LookupError(f"the revision {older} is not there")
    return found.module
