"""Which part of a GPU an attempt had, where several trials share one. All attempts of before had whole ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("attempt", sa.Column("gpu_share", sa.Double(), nullable=False, server_default="1"))


def downgrade() -> None:
    op.drop_column("attempt", "gpu_share")
