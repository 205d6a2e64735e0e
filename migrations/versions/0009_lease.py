"""Who runs a study is a row with a fencing token, in place of a lock that lives in one session of PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "lease",
        sa.Column("study_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("process", sa.Text(), nullable=True),
        sa.Column("term", sa.Double(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("token >= 0", name=op.f("ck_lease_token")),
        sa.PrimaryKeyConstraint("study_id", name=op.f("pk_lease")),
    )


def downgrade() -> None:
    op.drop_table("lease")
