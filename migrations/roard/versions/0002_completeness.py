"""Which backend saw a process, and how many events a job lost.

Revision: 0002, after 0001.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("events_lost", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("processes", sa.Column("tracer", sa.Text(), nullable=False, server_default=""))
