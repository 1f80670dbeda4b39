"""Digests by stat key: `.roar/cache.db`, which may be deleted at any time."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from roard.db.clean import compact
from roard.db.reading import reader
from roard.failpoints import failpoint
from roard.model import Digest, StatKey

log = logging.getLogger(__name__)
T = TypeVar("T")

MOST_RECENT = 20_000
"""Digests kept in memory beside the file, 0.5 KiB each: whoever looks at a project looks at the same files again."""
MOST_BYTES = 256 << 20
"""A cache that has grown beyond this, some 3 million files, is begun anew."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS digests (
    dev INTEGER, ino INTEGER, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER,
    digest BLOB NOT NULL, hashed_at_ns INTEGER NOT NULL, others TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (ino, ctime_ns, mtime_ns, size, dev)
) WITHOUT ROWID
"""
_COLUMNS = "SELECT name FROM pragma_table_info('digests')"
_ADD_OTHERS = "ALTER TABLE digests ADD COLUMN others TEXT NOT NULL DEFAULT ''"
_FIND = "SELECT dev, ino, size, mtime_ns, ctime_ns, digest, hashed_at_ns, others FROM digests WHERE ino IN ({})"
_AT_ONCE = 500
"""Inodes in one statement: half the time of a statement each."""
_PUT = """
INSERT OR REPLACE INTO digests (ino, ctime_ns, mtime_ns, size, dev, digest, hashed_at_ns, others)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""


_LIVE = "CREATE TEMP TABLE live (ino, ctime_ns, mtime_ns, size, dev, PRIMARY KEY (ino, ctime_ns, mtime_ns, size, dev))"
_MARK = "INSERT OR IGNORE INTO live VALUES (?, ?, ?, ?, ?)"
_DEAD = """
CREATE TEMP TABLE dead AS SELECT ino, ctime_ns, mtime_ns, size, dev FROM digests
WHERE hashed_at_ns < ? AND (ino, ctime_ns, mtime_ns, size, dev) NOT IN (SELECT * FROM live)
"""
_FORGET = """
DELETE FROM digests WHERE (ino, ctime_ns, mtime_ns, size, dev) IN (
    SELECT ino, ctime_ns, mtime_ns, size, dev FROM dead WHERE rowid > ? AND rowid <= ?)
"""
_FORGOTTEN_AT_ONCE = 10_000
"""In one transaction: recordings wait for it."""


class CachedDigest(NamedTuple):
    """A digest that was made once."""

    key: StatKey
    digest: bytes
    hashed_at_ns: int
    """Wall clock, before the first byte was read; decides whether it can be trusted (hashing/stat_key.py)."""
    others: tuple[Digest, ...] = ()
    """Of the same content, by other algorithms."""


class HashCache:
    """The hash cache of one project. Thread-safe. Trouble with its file is logged, and the cache is as if empty."""

    def __init__(self, path: bytes) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._recent: dict[StatKey, CachedDigest] = {}

    def lookup(self, keys: Sequence[StatKey]) -> dict[StatKey, CachedDigest]:
        """Returns what is known, without judging it."""
        recent = self._recent
        known = {key: entry for key in keys if (entry := recent.get(key))}
        wanted = set(keys) - known.keys() if len(known) < len(keys) else set()
        inodes = [_signed(key.ino) for key in wanted]

        def find(connection: sqlite3.Connection) -> dict[StatKey, CachedDigest]:
            found = {}
            for start in range(0, len(inodes), _AT_ONCE):
                some = inodes[start : start + _AT_ONCE]
                rows = connection.execute(_FIND.format(_marks(len(some))), some)
                for dev, ino, size, mtime_ns, ctime_ns, digest, hashed_at_ns, others in rows:
                    key = StatKey(_unsigned(dev), _unsigned(ino), size, mtime_ns, ctime_ns)
                    if key in wanted:
                        found[key] = CachedDigest(key, digest, hashed_at_ns, _digests(others))
            self._remember(found)
            return found

        return known | ((self._guarded(find) if wanted else None) or {})

    def store(self, entries: Sequence[CachedDigest]) -> None:
        """Keeps digests, in one transaction; a newer one of the same key takes the older one's place."""

        def put(connection: sqlite3.Connection) -> None:
            rows = [(*_columns(entry.key), entry.digest, entry.hashed_at_ns, _text(entry.others)) for entry in entries]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_PUT, rows)
            failpoint("cache.commit")
            connection.execute("COMMIT")
            failpoint("cache.committed")
            self._remember({entry.key: entry for entry in entries})

        if entries:
            self._guarded(put)

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._drop()

    def _remember(self, digests: Mapping[StatKey, CachedDigest]) -> None:
        if len(self._recent) + len(digests) > MOST_RECENT:
            self._recent = {}
        if len(digests) <= MOST_RECENT:
            self._recent.update(digests)

    def _guarded(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = _open(self._path)
                return work(self._connection)
            except sqlite3.OperationalError as error:
                log.warning("hash cache %r: %s", self._path, error)
                self._drop()
            except sqlite3.DatabaseError as error:
                log.warning("hash cache %r begun anew: %s", self._path, error)
                self._drop()
                _delete(self._path)
            return None

    def _drop(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def count_entries(path: bytes) -> int:
    """Returns how many digests a hash cache has; 0 when there is none or it cannot be read."""
    try:
        with contextlib.closing(reader(path)) as connection:
            return int(connection.execute("SELECT count(*) FROM digests").fetchone()[0])
    except sqlite3.Error:
        return 0


def forget_others(path: bytes, live: Iterable[StatKey], before_ns: int, *, dry_run: bool) -> tuple[int, int]:
    """Removes the digests that were made before a time and are of none of these files; returns (removed, kept).

    Recordings use the cache meanwhile. Memory does not grow with the number of files. Raises sqlite3.Error.
    """
    if not os.path.exists(path):
        return 0, 0
    with contextlib.closing(_open(path)) as connection:
        connection.execute(_LIVE)
        connection.execute("BEGIN")
        connection.executemany(_MARK, map(_columns, live))
        connection.execute(_DEAD, (before_ns,))
        connection.execute("COMMIT")
        (dead,) = connection.execute("SELECT count(*) FROM dead").fetchone()
        (total,) = connection.execute("SELECT count(*) FROM digests").fetchone()
        if not dry_run:
            for start in range(0, dead, _FORGOTTEN_AT_ONCE):
                connection.execute(_FORGET, (start, start + _FORGOTTEN_AT_ONCE))
            compact(connection)
        return dead, total - dead


def _open(path: bytes) -> sqlite3.Connection:
    with contextlib.suppress(OSError):
        if os.path.getsize(path) > MOST_BYTES:
            _delete(path)
    connection = sqlite3.connect(path, timeout=1, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(_SCHEMA)
    if ("others",) not in connection.execute(_COLUMNS).fetchall():
        connection.execute(_ADD_OTHERS)
    return connection


def _delete(path: bytes) -> None:
    for suffix in (b"", b"-wal", b"-shm"):
        with contextlib.suppress(OSError):
            os.unlink(path + suffix)


def _columns(key: StatKey) -> tuple[int, int, int, int, int]:
    # SQLite's integers are signed; device and inode numbers use all 64 bits.
    return _signed(key.ino), key.ctime_ns, key.mtime_ns, key.size, _signed(key.dev)


def _text(others: Sequence[Digest]) -> str:
    return " ".join(f"{other.algorithm}:{other.digest.hex()}" for other in others)


def _digests(text: str) -> tuple[Digest, ...]:
    if not text:
        return ()
    words = (word.partition(":") for word in text.split())
    return tuple(Digest(name, bytes.fromhex(digest)) for name, _, digest in words)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _unsigned(value: int) -> int:
    return value + (1 << 64) if value < 0 else value


def _marks(count: int) -> str:
    return ",".join("?" * count)
