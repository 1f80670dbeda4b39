"""The way back to a backup."""

from __future__ import annotations

import contextlib
import os
import sqlite3

from roar_proto.v1 import database_pb2 as pb

from roard.db.backup import copy_database, name_now
from roard.db.migrate import revisions
from roard.db.reading import counts_of, damage, reader, schema_of
from roard.durable import sync_directory
from roard.errors import BackupUnusable, BadRequest, NoBackup, NoSpace, ProjectNotWritable, RoarError
from roard.projects import Projects, check_project
from roard.upkeep.places import Places, backup_at

_NAMED = 3
"""Findings in a message."""


def restore(projects: Projects, root: bytes, wanted: bytes) -> pb.RestoreDatabaseResponse:
    """Puts a backup in the place of the database, which is kept beside the backups.

    wanted: absolute; empty: the newest backup that this roard can use. Killed in the middle, it leaves the one or the
    other, and can be repeated. Raises NoProject, NoBackup, BackupUnusable, ProjectInUse, ProjectNotWritable, NoSpace.
    """
    check_project(root)
    places = Places(root)
    if wanted and (not wanted.startswith(b"/") or b"\0" in wanted):
        raise BadRequest("`backup` is not an absolute path")
    backup = _checked(wanted) if wanted else _newest_usable(places)
    with projects.closed(root):
        kept = _exchange(places, backup)
    projects.open(root)
    with contextlib.closing(reader(places.database)) as connection:
        counts = pb.DatabaseCounts(**counts_of(connection))
    return pb.RestoreDatabaseResponse(backup=backup_at(backup), kept=kept, counts=counts)


def _newest_usable(places: Places) -> bytes:
    """Returns a backup. What a restore has replaced is none: whoever wants that names it."""
    for backup in places.backups():
        with contextlib.suppress(BackupUnusable):
            if not backup.replaced:
                return _checked(backup.path)
    raise NoBackup(places.backup_dir)


def _checked(path: bytes) -> bytes:
    """Returns the path of a database that this roard can use. Raises BackupUnusable."""
    if not os.path.isfile(path):
        raise BackupUnusable(path, "there is no such file")
    try:
        with contextlib.closing(reader(path)) as connection:
            found = "; ".join(damage(connection, _NAMED))
            schema = "" if found else schema_of(connection)
    except sqlite3.Error as error:
        raise BackupUnusable(path, str(error)) from error
    if found:
        raise BackupUnusable(path, found)
    if schema not in revisions():
        raise BackupUnusable(path, f"its schema is `{schema}`" if schema else "it is no database of roar")
    return path


def _exchange(places: Places, backup: bytes) -> bytes:
    """Puts a copy of the backup in place; returns where the database that was there is now, empty: there was none."""
    fresh = places.database + b".restored"
    kept = os.path.join(places.backup_dir, name_now("replaced"))
    try:
        os.makedirs(places.backup_dir, mode=0o700, exist_ok=True)
        copy_database(backup, fresh)
        # Linked first and taken away only by the rename: there is a database at every moment, so none is made anew.
        found = [suffix for suffix in (b"-wal", b"") if os.path.exists(places.database + suffix)]
        for suffix in found:
            os.link(places.database + suffix, kept + suffix)
        sync_directory(places.backup_dir)
        for suffix in (b"-wal", b"-shm"):
            # A log that is left would be played into the backup.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(places.database + suffix)
        os.rename(fresh, places.database)
        sync_directory(places.roar_dir)
    except (OSError, sqlite3.Error) as error:
        raise _refusal(places, error) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(fresh)
    return kept if b"" in found else b""


def _refusal(places: Places, error: OSError | sqlite3.Error) -> RoarError:
    said = (error.strerror if isinstance(error, OSError) else None) or str(error)
    if "space" in said.lower() or "full" in said:
        return NoSpace(places.database)
    return ProjectNotWritable(places.database, said)
