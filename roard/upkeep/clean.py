"""Garbage of a project: what nothing refers to, and the space it takes."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import stat
import time
from collections.abc import Iterator

from roar_proto.v1 import database_pb2 as pb
from sqlalchemy import text

from roard import trash
from roard.db import popped
from roard.db.clean import (
    count_popped,
    count_unused_artifacts,
    is_worth_vacuum,
    recorded_paths,
    unused_artifacts_statement,
)
from roard.db.hash_cache import forget_others
from roard.db.reading import reader
from roard.db.store import translated
from roard.model import StatKey
from roard.paths import to_absolute
from roard.project import Project
from roard.projects import Projects
from roard.trace.rundir import list_quarantined, runs_dir_of
from roard.upkeep.places import Places

BACKUPS_KEPT = 5
YOUNG_NS = 3600 * 1_000_000_000
"""A digest younger than this may be of a run that is being recorded."""


def clean(
    projects: Projects, root: bytes, *, dry_run: bool, quarantined: bool, empty_trash: bool = False
) -> pb.CleanDatabaseResponse:
    """Removes what nothing refers to and gives the space back; dry_run: only counts. One stat a recorded path.

    The trash is counted, and emptied only when empty_trash says so: then no popped job can be brought back.

    Raises what Projects.open raises, NoSpace, DatabaseBroken, DatabaseBusy.
    """
    places = Places(root)
    with projects.use(root) as project, project.trash_lock, translated(project.store.path):
        response = pb.CleanDatabaseResponse(size_before=places.size())
        response.cache_entries, response.cache_entries_kept = _forget_digests(project, places, dry_run=dry_run)
        response.backups.extend(_old_backups(places))
        response.runs_quarantined.extend(list_quarantined(runs_dir_of(root)) if quarantined else [])
        with contextlib.closing(reader(project.store.path)) as connection:
            response.popped_jobs = count_popped(connection)
            response.artifacts = count_unused_artifacts(connection)
            response.vacuumed = is_worth_vacuum(connection)
        response.trash_size = trash.size_of_trash(root)
        response.trash_emptied = empty_trash and bool(response.popped_jobs or os.path.lexists(trash.trash_dir(root)))
        if not dry_run:
            _remove(project, response)
        response.size_after = places.size()
        return response


def _remove(project: Project, found: pb.CleanDatabaseResponse) -> None:
    with project.store.write() as session:
        if found.trash_emptied:
            # First: what nobody can bring back may lie there until the next time, not the other way round.
            popped.forget_all(session)
        session.execute(text(unused_artifacts_statement()))
    if found.trash_emptied:
        shutil.rmtree(trash.trash_dir(project.root), ignore_errors=True)
    for backup in found.backups:
        with contextlib.suppress(OSError):
            os.unlink(backup.path)
    for directory in found.runs_quarantined:
        shutil.rmtree(directory, ignore_errors=True)
    found.vacuumed = project.store.compact()


def _old_backups(places: Places) -> list[pb.DatabaseBackup]:
    """Returns those beyond the newest; what a restore has replaced is nobody's to remove but the user's."""
    return [backup for backup in places.backups() if not backup.replaced][BACKUPS_KEPT:]


def _forget_digests(project: Project, places: Places, *, dry_run: bool) -> tuple[int, int]:
    """Returns how many digests of the hash cache were removed, and how many stay."""
    before_ns = time.time_ns() - YOUNG_NS
    try:
        with contextlib.closing(reader(places.database)) as connection:
            return forget_others(places.cache, _present(project, connection), before_ns, dry_run=dry_run)
    except sqlite3.DatabaseError:
        # Locked by a recording, or damaged: it is a cache. Of damage in the lineage database, the next statement tells.
        return 0, 0


def _present(project: Project, connection: sqlite3.Connection) -> Iterator[StatKey]:
    """Yields the stat of every recorded file that is there, wherever a link leads."""
    for path in recorded_paths(connection):
        with contextlib.suppress(OSError, ValueError):
            found = os.stat(to_absolute(project.root, path))
            if stat.S_ISREG(found.st_mode):
                yield StatKey.of_stat(found)
