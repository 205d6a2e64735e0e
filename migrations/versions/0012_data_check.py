"""Checks of images that only a study's trainers see: each is a Job, with a row from its intent to its end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

STATES = "state IN ('created', 'running', 'succeeded', 'failed', 'cancelled')"
FAILURES = "failure IN ('infeasible', 'infrastructure', 'interrupted', 'defect')"


def upgrade() -> None:
    op.create_table(
        "data_check",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("failure", sa.String(16), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("study_changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(STATES, name=op.f("ck_data_check_state")),
        sa.CheckConstraint(FAILURES, name=op.f("ck_data_check_failure")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_data_check_number")),
        sa.CheckConstraint(
            "(state NOT IN ('created', 'running')) = (ended_at IS NOT NULL)",
            name=op.f("ck_data_check_final_has_end"),
        ),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_data_check_study_id_study")),
        sa.PrimaryKeyConstraint("study_id", "number", name=op.f("pk_data_check")),
    )


def downgrade() -> None:
    op.drop_table("data_check")
