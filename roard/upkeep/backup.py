"""A backup on demand."""

from __future__ import annotations

import contextlib
import os
import sqlite3

from roar_proto.v1 import database_pb2 as pb

from roard.db.backup import copy_database, name_now
from roard.db.store import error_for
from roard.errors import BackupExists, BackupNotWritten, BadRequest
from roard.projects import check_project
from roard.upkeep.places import Places, backup_at


def back_up(root: bytes, target: bytes, *, force: bool) -> pb.DatabaseBackup:
    """Copies a project's database, whether this roard can use it or not, and returns the copy.

    target: absolute; empty: a new name in `.roar/backups/`. force: replaces what is there.
    Raises NoProject, BackupExists, BackupNotWritten, DatabaseBroken, DatabaseBusy, NoSpace.
    """
    check_project(root)
    places = Places(root)
    if not target:
        with contextlib.suppress(OSError):
            os.makedirs(places.backup_dir, mode=0o700, exist_ok=True)
        target = os.path.join(places.backup_dir, name_now("roar-backup"))
    if not target.startswith(b"/") or b"\0" in target:
        raise BadRequest("`target` is not an absolute path")
    if os.path.lexists(target) and not force:
        raise BackupExists(target)
    if os.path.realpath(target) == os.path.realpath(places.database):
        raise BackupNotWritten(target, "it is the database itself")
    try:
        copy_database(places.database, target)
    except sqlite3.Error as error:
        known = error_for(places.database, str(error))
        if known is None:
            raise
        raise known from error
    except OSError as error:
        raise BackupNotWritten(target, error.strerror or str(error)) from error
    return backup_at(target)
