"""Which line of `.roarignore` left a file out.

Revision: 0006, after 0005.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    empty = sa.text("x''")
    op.add_column("dropped", sa.Column("decided_by", sa.LargeBinary(), nullable=False, server_default=empty))
