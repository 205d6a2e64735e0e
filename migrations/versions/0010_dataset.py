"""What a study knows of its images: counts by split, what was left out, steps per epoch.

Their fingerprint is part of the recipe's dataset. Studies of before get both when they are next run.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("study", sa.Column("dataset", sa.JSON(none_as_null=True)))


def downgrade() -> None:
    op.drop_column("study", "dataset")
