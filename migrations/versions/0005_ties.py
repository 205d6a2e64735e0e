"""Of several that are equal in the first objective the best in the next one: never one that another dominates."""

from __future__ import annotations

from types import ModuleType

from alembic import op

revision = "0005"
down_revision = "0004"


def ordered(incumbent: str) -> str:
    """The view's SQL with the further objectives in its order."""
    # Costs that a study does not use are NULL in all its rows, as 0 in all of them here.
    order = "best.cost_1, " + ", ".join(f"coalesce(best.cost_{place}, 0.0)" for place in (2, 3, 4)) + ", best.number"
    return incumbent.replace("best.cost_1, best.number", order)


def upgrade() -> None:
    op.execute("DROP VIEW incumbent")
    op.execute(ordered(_module("0004").INCUMBENT))


def downgrade() -> None:
    op.execute("DROP VIEW incumbent")
    op.execute(_module("0004").INCUMBENT)


def _module(older: str) -> ModuleType:
    """Of an older revision, wherever the migrations are installed."""
    environment = op.get_context().environment_context
    found = environment and environment.script.get_revision(older)
    if not found:
        raise LookupError(f"the revision {older} is not there")
    return found.module
