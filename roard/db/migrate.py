"""The schema's version: makes a new database, and brings an old one up to date after a copy of it is safe.

A new database is made from tables.py, which a test holds equal to what the migrations make. Alembic is imported only
for a database that needs it: it costs 0.4 s and 10 MiB.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sqlite3
from functools import cache

from roard.db.backup import copy_database, name_now
from roard.db.reading import schema_of
from roard.db.store import error_for
from roard.durable import sync_directory
from roard.errors import DatabaseBroken, DatabaseTooNew, NoSpace, ProjectNotWritable
from roard.failpoints import failpoint

_TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MIGRATIONS = os.path.join(_TOP, "migrations", "roard")
"""Beside the package roard, in a checkout as in an installation."""


@cache
def revisions() -> tuple[str, ...]:
    """Returns all revisions, oldest first: the numbers that the files of the history begin with."""
    names = sorted(os.listdir(os.path.join(MIGRATIONS, "versions")))
    return tuple(match[1] for name in names if (match := re.match(r"(\d{4})_\w+\.py$", name)))


def prepare(path: bytes, backups: bytes) -> bool:
    """Makes sure that the database at `path` exists with the current schema; returns whether it was made.

    `backups` is the directory for the copy of a database that is about to be migrated.
    Raises DatabaseTooNew, DatabaseBroken, DatabaseBusy, ProjectNotWritable, NoSpace.
    """
    try:
        if _is_absent(path):
            _create(path)
            return True
        revision = _revision(path)
        if revision not in revisions():
            raise DatabaseTooNew(path, revision)
        if revision != revisions()[-1]:
            _back_up(path, backups, revision)
            upgrade(path)
            failpoint("migration.done")
    except sqlite3.Error as error:
        known = error_for(path, str(error))
        if known is None:
            raise
        raise known from error
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise NoSpace(path) from error
        raise ProjectNotWritable(path, error.strerror or str(error)) from error
    return False


def upgrade(path: bytes, revision: str = "head") -> None:
    """Brings a database to a revision by the migrations, in one transaction each."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", MIGRATIONS.replace("%", "%%"))
    config.attributes["path"] = path
    command.upgrade(config, revision)


def _is_absent(path: bytes) -> bool:
    """Returns whether there is no database; an empty file with a log beside it may be one that lost its body."""
    exists = os.path.exists(path) and (os.path.getsize(path) > 0 or os.path.exists(path + b"-wal"))
    return not exists


def _create(path: bytes) -> None:
    """Makes a new database beside its place and moves it there: nobody ever sees half a schema."""
    from sqlalchemy import create_engine

    from roard.db.tables import Base

    # One name for all, so that what a kill leaves is taken away by the next attempt.
    fresh = path + b".new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(fresh)
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(fresh, isolation_level=None))
    with engine.begin() as connection:
        # One transaction for all: each is two waits for the disk.
        connection.exec_driver_sql("BEGIN")
        Base.metadata.create_all(connection)
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (revisions()[-1],))
    engine.dispose()
    for suffix in (b"-wal", b"-shm"):
        # The log of a database that was deleted would be played into this one.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + suffix)
    failpoint("database.made")
    os.rename(fresh, path)
    sync_directory(os.path.dirname(path))
    failpoint("database.renamed")


def _revision(path: bytes) -> str:
    with contextlib.closing(sqlite3.connect(path, timeout=5)) as connection:
        revision = schema_of(connection)
    if not revision:
        raise DatabaseBroken(path, "it has no schema version: it is no database of roar")
    return revision


def _back_up(path: bytes, backups: bytes, revision: str) -> None:
    """Copies the database, under its name only when it is whole, and for good before anything is changed."""
    os.makedirs(backups, mode=0o700, exist_ok=True)
    copy_database(path, os.path.join(backups, name_now(f"roar-{revision}")))
    sync_directory(os.path.dirname(backups))
