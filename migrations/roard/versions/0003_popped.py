"""Jobs that `roar pop` took out, and what brings them back.

Revision: 0003, after 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "popped",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("popped_at_ns", sa.BigInteger(), nullable=False),
        sa.Column("directory", sa.Text(), nullable=False),
        sa.Column("rows", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("directory"),
        sa.UniqueConstraint("job_id"),
        sa.UniqueConstraint("run_id"),
        sa.UniqueConstraint("uid"),
    )
    op.create_table(
        "popped_files",
        sa.Column("popped_id", sa.Integer(), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("dev", sa.BigInteger(), nullable=False),
        sa.Column("ino", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("ctime_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["popped_id"],
            ["popped.id"],
        ),
        sa.PrimaryKeyConstraint("popped_id", "path"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "popped_artifacts",
        sa.Column("popped_id", sa.Integer(), nullable=False),
        sa.Column("artifact_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"],
            ["artifacts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["popped_id"],
            ["popped.id"],
        ),
        sa.PrimaryKeyConstraint("popped_id", "artifact_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_popped_artifact", "popped_artifacts", ["artifact_id"], unique=False)
