"""What is in a project's database and around it."""

from __future__ import annotations

import contextlib
import sqlite3

from roar_proto.v1 import database_pb2 as pb

from roard.db.hash_cache import count_entries
from roard.db.migrate import revisions
from roard.db.reading import counts_of, free_bytes, reader, schema_of
from roard.errors import ProjectInUse, RoarError
from roard.project_lock import read_holder
from roard.projects import Projects, check_project
from roard.run_cache.keep import objects_dir
from roard.run_cache.objects import ObjectStore
from roard.trace.rundir import list_quarantined, list_runs, runs_dir_of
from roard.upkeep.places import Places, size_of


def database_info(projects: Projects, root: bytes) -> pb.GetDatabaseInfoResponse:
    """Returns all that can be said, also of a database that cannot be opened. Raises NoProject."""
    check_project(root)
    places, problem = Places(root), problem_of(projects, root)
    kept = list(ObjectStore(objects_dir(root)).list())
    response = pb.GetDatabaseInfoResponse(
        path=places.database,
        problem=problem_to_pb(problem) if problem else None,
        size=size_of(places.database),
        wal_size=size_of(places.database + b"-wal"),
        newest_schema=revisions()[-1],
        cache_entries=count_entries(places.cache),
        cache_size=size_of(places.cache) + size_of(places.cache + b"-wal"),
        backups=places.backups(),
        runs_waiting=len(list_runs(runs_dir_of(root))),
        runs_quarantined=list_quarantined(runs_dir_of(root)),
        holder=_holder(places, problem),
        objects=len(kept),
        objects_size=sum(known.size for known in kept),
    )
    # Of a damaged database, as far as it goes.
    with contextlib.suppress(sqlite3.Error), contextlib.closing(reader(places.database)) as connection:
        response.schema = schema_of(connection)
        response.free = free_bytes(connection)
        response.counts.CopyFrom(pb.DatabaseCounts(**counts_of(connection)))
    return response


def problem_of(projects: Projects, root: bytes) -> RoarError | None:
    """Returns why a project cannot be opened; None: it is open now. Does not wait for another daemon."""
    try:
        projects.open(root, patience_s=0)
    except RoarError as error:
        return error
    return None


def problem_to_pb(error: RoarError) -> pb.DatabaseProblem:
    """Returns an error as an answer."""
    return pb.DatabaseProblem(reason=error.reason, fact=error.fact, cause=error.cause, hint=error.hint)


def _holder(places: Places, problem: RoarError | None) -> pb.ProjectHolder | None:
    """Returns who has the project open; a lock file also names who had it last."""
    is_held = problem is None or isinstance(problem, ProjectInUse)
    holder = read_holder(places.roar_dir) if is_held else None
    if holder is None:
        return None
    return pb.ProjectHolder(pid=holder.pid, host=holder.host, since_ns=holder.since_ns, is_self=problem is None)
