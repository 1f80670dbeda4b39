"""Copies of a lineage database, made while it is in use."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time

from roard.db.reading import damage, reader
from roard.durable import sync_directory
from roard.errors import DatabaseBroken
from roard.failpoints import failpoint

_NAMED = 3
"""Findings in a message."""


def name_now(label: str) -> bytes:
    """Returns a name in the backup directory with the time of now in it, to the millisecond."""
    now_ns = time.time_ns()
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now_ns // 1_000_000_000))
    return f"{label}-{stamp}.{now_ns // 1_000_000 % 1000:03}Z.db".encode()


def copy_database(source: bytes, target: bytes) -> None:
    """Copies a database, checks the copy, and moves it to `target`: whole or not at all, mode 0600, on disk.

    Writers go on meanwhile. Raises DatabaseBroken for a copy that is damaged, sqlite3.Error, OSError.
    """
    fresh = b"%s.new-%d" % (target, os.getpid())
    try:
        os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with contextlib.closing(reader(source)) as original, contextlib.closing(sqlite3.connect(fresh)) as copy:
            original.backup(copy)
            # One file, without a log beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
            if found := damage(copy, _NAMED):
                raise DatabaseBroken(source, "; ".join(found))
        failpoint("backup.copied")
        os.rename(fresh, target)
        sync_directory(os.path.dirname(target))
        failpoint("backup.named")
    finally:
        for suffix in (b"", b"-wal", b"-shm", b"-journal"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(fresh + suffix)
