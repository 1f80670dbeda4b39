"""Which inputs a job removed itself: they are not missing afterwards.

Revision: 0009, after 0008.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("inputs", sa.Column("removed", sa.Boolean(), nullable=False, server_default=sa.text("0")))
