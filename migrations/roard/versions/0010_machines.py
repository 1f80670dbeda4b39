"""The machines that jobs ran on.

Revision: 0010, after 0009.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "machines",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("document"),
    )
    # Alembic would make the constraint by a statement of its own, which SQLite has not.
    op.execute("ALTER TABLE jobs ADD COLUMN machine_id INTEGER REFERENCES machines (id)")
