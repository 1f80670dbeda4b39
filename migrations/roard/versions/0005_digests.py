"""Hashes of contents by other algorithms than BLAKE3.

Revision: 0005, after 0004.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "artifact_digests",
        sa.Column("artifact_id", sa.Integer(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifacts.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("artifact_id", "algorithm"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_artifact_digest", "artifact_digests", ["digest"], unique=False)
