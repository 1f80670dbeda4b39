"""The lineage database of one project: one writing connection, a few reading ones."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool
from sqlalchemy.util import LRUCache

from roard.db.clean import compact
from roard.errors import DatabaseBroken, DatabaseBusy, DiskFailure, NoSpace, ProjectNotWritable, RoarError
from roard.failpoints import failpoint

T = TypeVar("T")

BUSY_TIMEOUT_MS = 5000
READERS = 4
MOST_RECALLED = 3
"""Answers kept in memory, up to some MiB each, as long as nothing is written and the project is open."""
_WRITER_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # NORMAL loses acknowledged jobs when the power fails; FULL costs 2 to 3 ms a commit.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA wal_autocheckpoint = 1000",
    "PRAGMA journal_size_limit = 16777216",
)
_COMPILED: LRUCache[Any, Any] = LRUCache(500)
"""Statements as SQL, of all projects: 0.8 MiB for each of them otherwise, and half the time of the first question."""
_BEGIN_WRITING = "BEGIN IMMEDIATE"
# SQLite before 3.51.3 can corrupt a WAL when two connections checkpoint at once: readers never do.
_READER_PRAGMAS = ("PRAGMA query_only = ON", "PRAGMA wal_autocheckpoint = 0")


class _Recalled(NamedTuple):
    """An answer that was found in the rows."""

    written: int
    """How many write transactions had ended before."""
    answer: Any  # of the type that its question has


class Store:
    """An open lineage database. Thread-safe; the schema must be current before it is opened (see migrate.py)."""

    def __init__(self, path: bytes) -> None:
        """Opens the database at `path`. Raises DatabaseBroken, DatabaseBusy or ProjectNotWritable."""
        self.path = path
        self._write_lock = threading.Lock()
        self._written = 0
        self._recalled: dict[Hashable, _Recalled] = {}
        self._write_engine = _engine(path, _WRITER_PRAGMAS, _BEGIN_WRITING, size=1)
        self._read_engine = _engine(path, _READER_PRAGMAS, "BEGIN", size=READERS)
        with translated(path):
            self._writer: Connection = self._write_engine.connect()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Yields a session in the only write transaction of this database, and commits it: all of it or nothing.

        Waits for the write transaction of another thread. Keep network, hashing and file reading outside.
        """
        with (
            self._write_lock,
            translated(self.path),
            self._counted(),
            Session(self._writer, autoflush=False) as session,
            session.begin(),
        ):
            yield session
            failpoint("commit.begin")
        failpoint("commit.done")

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yields a session that sees one state of the database and refuses to write. Never waits for a writer."""
        with translated(self.path), Session(self._read_engine, autoflush=False) as session:
            yield session

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Counts a write transaction when it has ended, in whatever way."""
        try:
            yield
        finally:
            self._written += 1

    def recall(self, question: Hashable, load: Callable[[Session], T]) -> T:
        """Returns what `load` finds, from memory if nothing was written since. Nobody may change what it returned.

        question: names the answer, which may depend on rows only. The last few answers are kept.
        """
        # Counted before the rows are seen: they may be newer than that, never older.
        written = self._written
        known = self._recalled.get(question)
        if known is not None and known.written == written:
            answer: T = known.answer
            return answer
        with self.read() as session:
            answer = load(session)
        current = [(asked, other) for asked, other in self._recalled.items() if other.written == written]
        self._recalled = {**dict(current[1 - MOST_RECALLED :]), question: _Recalled(written, answer)}
        return answer

    def compact(self) -> bool:
        """Moves the log into the file and gives back what neither needs; returns whether the file was written anew.

        Writers wait meanwhile: seconds for a gigabyte. Raises NoSpace, DatabaseBroken, DatabaseBusy.
        """
        with self._write_lock, translated(self.path):
            connection = self._writer.connection.driver_connection
            assert isinstance(connection, sqlite3.Connection)
            return compact(connection)

    def close(self) -> None:
        """Closes all connections, the writer last: it makes the final checkpoint. Waits for a write under way."""
        with self._write_lock:
            self._read_engine.dispose()
            self._writer.close()
            self._write_engine.dispose()


@cache
def _shared() -> Engine:
    """Returns an engine for what all have in common: one dialect, or each would compile every statement for itself."""
    engine = create_engine("sqlite://")
    # The first connection tells the dialect which SQLite this is.
    engine.connect().close()
    return engine


def _engine(path: bytes, pragmas: tuple[str, ...], begin: str, *, size: int) -> Engine:
    def connect() -> Any:  # an sqlite3.Connection, which SQLAlchemy's type for it does not match
        # isolation_level None: sqlite3 must not open transactions behind our back, `begin` below does it.
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        for pragma in pragmas:
            connection.execute(pragma)
        return connection

    pool = QueuePool(connect, pool_size=size, max_overflow=-1, dialect=_shared().dialect)
    # What a failed statement was to store, words of a command among it, has no place in the log.
    engine = Engine(
        pool,
        _shared().dialect,
        _shared().url,
        hide_parameters=True,
        execution_options={"compiled_cache": _COMPILED},
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)
        if begin == _BEGIN_WRITING:
            failpoint("write.begun")

    return engine


@contextmanager
def translated(path: bytes) -> Iterator[None]:
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
