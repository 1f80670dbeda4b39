"""Kept outputs: which jobs may stand for another run, and which were put in place instead of being run.

Revision: 0008, after 0007.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("cached_from", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "cache_entries",
        sa.Column("job_id", sa.Integer(), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("command", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("refused", sa.Text(), nullable=False),
    )
    op.create_index("ix_cache_entry_command", "cache_entries", ["command", "job_id"])
