"""The lineage database of one project: one writing connection, a few reading ones."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from roard.errors import DatabaseBroken, DatabaseBusy, DiskFailure, NoSpace, ProjectNotWritable, RoarError
from roard.failpoints import failpoint

BUSY_TIMEOUT_MS = 5000
READERS = 4
_WRITER_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # NORMAL loses acknowledged jobs when the power fails; FULL costs 2 to 3 ms a commit.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA wal_autocheckpoint = 1000",
    "PRAGMA journal_size_limit = 16777216",
)
_BEGIN_WRITING = "BEGIN IMMEDIATE"
# SQLite before 3.51.3 can corrupt a WAL when two connections checkpoint at once: readers never do.
_READER_PRAGMAS = ("PRAGMA query_only = ON", "PRAGMA wal_autocheckpoint = 0")


class Store:
    """An open lineage database. Thread-safe; the schema must be current before it is opened (see migrate.py)."""

    def __init__(self, path: bytes) -> None:
        """Opens the database at `path`. Raises DatabaseBroken, DatabaseBusy or ProjectNotWritable."""
        self.path = path
        self._write_lock = threading.Lock()
        self._write_engine = _engine(path, _WRITER_PRAGMAS, _BEGIN_WRITING, size=1)
        self._read_engine = _engine(path, _READER_PRAGMAS, "BEGIN", size=READERS)
        with _translated(path):
            self._writer: Connection = self._write_engine.connect()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Yields a session in the only write transaction of this database, and commits it: all of it or nothing.

        Waits for the write transaction of another thread. Keep network, hashing and file reading outside.
        """
        with (
            self._write_lock,
            _translated(self.path),
            Session(self._writer, autoflush=False) as session,
            session.begin(),
        ):
            yield session
            failpoint("commit.begin")
        failpoint("commit.done")

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yields a session that sees one state of the database and refuses to write. Never waits for a writer."""
        with _translated(self.path), Session(self._read_engine, autoflush=False) as session:
            yield session

    def close(self) -> None:
        """Closes all connections, the writer last: it makes the final checkpoint. Waits for a write under way."""
        with self._write_lock:
            self._read_engine.dispose()
            self._writer.close()
            self._write_engine.dispose()


def _engine(path: bytes, pragmas: tuple[str, ...], begin: str, *, size: int) -> Engine:
    def connect() -> sqlite3.Connection:
        # isolation_level None: sqlite3 must not open transactions behind our back, `begin` below does it.
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        for pragma in pragmas:
            connection.execute(pragma)
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=size, max_overflow=-1)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)
        if begin == _BEGIN_WRITING:
            failpoint("write.begun")

    return engine


@contextmanager
def _translated(path: bytes) -> Iterator[None]:
    """Turns what SQLite says about the file into an error with a reason; a wrong statement of ours stays what it is."""
    try:
        yield
    except (sqlite3.DatabaseError, DBAPIError) as error:
        known = error_for(path, str(error.orig) if isinstance(error, DBAPIError) else str(error))
        if known is None:
            raise
        raise known from error


def error_for(path: bytes, said: str) -> RoarError | None:
    """Returns the error for a message of SQLite about the database at `path`; None when it is not about the file."""
    # By message: the error code is an attribute only since Python 3.11.
    if "database or disk is full" in said:
        return NoSpace(path)
    if "is malformed" in said or "not a database" in said or "malformed database schema" in said:
        return DatabaseBroken(path, said)
    if "readonly database" in said or "unable to open database file" in said:
        return ProjectNotWritable(path, said)
    if "is locked" in said:
        return DatabaseBusy(path)
    if "disk I/O error" in said:
        return DiskFailure(path)
    return None
