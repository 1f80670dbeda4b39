"""What a database holds and nobody needs: rows that nothing refers to, and free pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import cache

WORTH_BYTES = 1 << 20
WORTH_SHARE = 4
"""A file is written anew when a quarter of it, and this much, holds nothing: it takes as long as copying it."""
_NUMBERS = ("freelist_count", "page_size", "page_count")
_PATHS = "SELECT path FROM inputs UNION SELECT path FROM outputs"


def recorded_paths(connection: sqlite3.Connection) -> Iterator[bytes]:
    """Yields every path that a job read or wrote, once, in stored form. Raises sqlite3.Error."""
    for (path,) in connection.execute(_PATHS):
        yield path


def count_popped(connection: sqlite3.Connection) -> int:
    """Returns how many popped jobs can be brought back. Raises sqlite3.Error."""
    (number,) = connection.execute("SELECT count(*) FROM popped").fetchone()
    return int(number)


def count_unused_artifacts(connection: sqlite3.Connection) -> int:
    """Returns how many contents no row refers to. Raises sqlite3.Error."""
    (number,) = connection.execute(f"SELECT count(*) FROM artifacts WHERE {_unused()}").fetchone()  # noqa: S608
    return int(number)


def unused_artifacts_statement() -> str:
    """Returns the statement that removes the contents no row refers to."""
    return f"DELETE FROM artifacts WHERE {_unused()}"  # noqa: S608


@cache
def _unused() -> str:
    """Returns the condition, over every column of the schema that names an artifact and does not go with it."""
    from roard.db.tables import Base

    columns = [
        (table.name, key.parent.name)
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name == "artifacts" and key.ondelete != "CASCADE"
    ]
    return " AND ".join(
        f"NOT EXISTS (SELECT 1 FROM {table} WHERE {table}.{column} = artifacts.id)"  # noqa: S608
        for table, column in columns
    )


def is_worth_vacuum(connection: sqlite3.Connection) -> bool:
    """Returns whether a file would become notably smaller. Raises sqlite3.Error."""
    numbers = {name: int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in _NUMBERS}
    free = numbers["freelist_count"]
    return free * numbers["page_size"] >= WORTH_BYTES and free * WORTH_SHARE >= numbers["page_count"]


def compact(connection: sqlite3.Connection) -> bool:
    """Writes a file anew without its free pages when that is worth it, and cuts its log; returns whether it did.

    Raises sqlite3.Error.
    """
    worth = is_worth_vacuum(connection)
    if worth:
        connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return worth
