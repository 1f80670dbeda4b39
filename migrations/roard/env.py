"""Alembic's entry for the lineage database. The daemon passes the file as the attribute `path` (roard/db/migrate.py).

From a shell: `alembic -x path=.roar/roar.db current` in migrations/roard.
"""

from __future__ import annotations

import sqlite3

from alembic import context
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import NullPool

from roard.db.tables import Base
from roard.failpoints import failpoint


def connect() -> sqlite3.Connection:
    """Opens the database without sqlite3's own transactions, so that schema changes roll back like all others."""
    path = context.config.attributes.get("path") or context.get_x_argument(as_dictionary=True)["path"]
    return sqlite3.connect(path, timeout=5, isolation_level=None)


engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)


@event.listens_for(engine, "begin")
def begin(connection: Connection) -> None:
    """Locks the database from the first statement on: two daemons never migrate at once."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


with engine.connect() as connection:
    # Batch mode: SQLite cannot alter most of a table in place.
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        on_version_apply=lambda **_: failpoint("migration.applied"),
    )
    with context.begin_transaction():
        context.run_migrations()
