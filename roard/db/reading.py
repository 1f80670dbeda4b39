"""A database file looked at from outside: read-only, whatever its schema, open in this daemon or not."""

from __future__ import annotations

import sqlite3
from urllib.parse import quote

BUSY_TIMEOUT_S = 5.0
_COUNTED = ("sessions", "steps", "jobs", "artifacts", "inputs", "outputs")


def reader(path: bytes) -> sqlite3.Connection:
    """Returns a connection that cannot write and, should it be the last one, makes no checkpoint.

    Never open the file otherwise while a store has it open: closing any descriptor of it drops SQLite's own locks.
    Raises sqlite3.Error, mostly only at the first statement.
    """
    address = f"file:{quote(path)}?mode=ro"
    connection = sqlite3.connect(
        address, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


def schema_of(connection: sqlite3.Connection) -> str:
    """Returns the revision of the schema; empty: the database is not one of roar's. Raises sqlite3.Error."""
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
        return ""
    return str(row[0]) if row else ""


def counts_of(connection: sqlite3.Connection) -> dict[str, int]:
    """Returns the rows of the tables that people ask about. Raises sqlite3.Error."""
    numbers = ", ".join(f"(SELECT count(*) FROM {table})" for table in _COUNTED)  # noqa: S608  # of the names above
    return dict(zip(_COUNTED, connection.execute(f"SELECT {numbers}").fetchone(), strict=True))


def free_bytes(connection: sqlite3.Connection) -> int:
    """Returns how much of the file holds nothing. Raises sqlite3.Error."""
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int(free) * int(size)


def damage(connection: sqlite3.Connection, most: int) -> list[str]:
    """Returns what SQLite finds wrong with the file, so many lines at most. Reads all of it. Raises sqlite3.Error."""
    said = [str(line) for (line,) in connection.execute(f"PRAGMA integrity_check({most})")]
    return [] if said == ["ok"] else said
