"""The way of a run directory into the database, whoever asks for it."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from roar_proto.v1 import jobs_pb2

from roard.errors import RoarError, RunConflict, RunNotFound, RunPopped, TraceCorrupt, shown
from roard.failpoints import failpoint
from roard.hashing.digest import Progress
from roard.model import RecordedJob
from roard.projects import Projects
from roard.trace.rundir import RunDir

if TYPE_CHECKING:
    from roard.project import Project

log = logging.getLogger(__name__)


DATA_ERROR = 65
"""Exit status of `roar internal-fold` when the raw trace itself is damaged: trying again is of no use."""


class FoldFailed(Exception):
    """The raw trace of a dead launcher cannot be folded now; the run directory stays as it is."""


def ingest(projects: Projects, root: bytes, run: RunDir, progress: Progress) -> jobs_pb2.Job:
    """Records a sealed run and returns what a summary says of its job; of one that was recorded before, the same.

    Raises what Projects.open and record_job raise. A run that can never be recorded is put aside.
    """
    from roard.query.finished import finished_job

    with projects.use(root) as project:
        return finished_job(project, _record(project, run, progress).id)


def find_recorded(projects: Projects, root: bytes, run_id: str) -> jobs_pb2.Job:
    """Returns what a summary says of the job of a recorded run. Raises RunNotFound, and what Projects.open raises."""
    from roard.db import jobs
    from roard.query.finished import finished_job

    with projects.use(root) as project:
        with project.store.read() as session:
            known = jobs.find_by_run(session, run_id)
        if known is None:
            raise RunNotFound(run_id)
        return finished_job(project, known.id)


def _record(project: Project, run: RunDir, progress: Progress) -> RecordedJob:
    from roard.db import jobs
    from roard.record import record_job

    try:
        return record_job(project, run, progress)
    except RunNotFound:
        with project.store.read() as session:
            known = jobs.find_by_run(session, run.run_id)
            popped = jobs.is_popped(session, run.run_id)
        if popped:
            raise RunPopped(run.run_id) from None
        if known is None:
            raise
        return known
    except RunPopped:
        run.remove()
        raise
    except (TraceCorrupt, RunConflict) as error:
        _put_aside(run, error)
        raise


def _put_aside(run: RunDir, why: RoarError) -> None:
    aside = run.quarantine()
    log.error("run %s cannot be recorded, its directory is kept as `%s`: %s", run.run_id, shown(aside), why)


def fold(run: RunDir) -> None:
    """Has the launcher's reducer seal the run of a dead launcher, unless it is sealed.

    Raises FoldFailed, and TraceCorrupt when it never can; the directory is then put aside.
    """
    if run.is_sealed:
        return
    failpoint("fold.begin")
    launcher = find_launcher()
    if launcher is None:
        raise FoldFailed("the program `roar` is neither beside `roard` nor on PATH")
    command = [os.fsencode(launcher), b"internal-fold", run.path]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, start_new_session=True, check=False
        )
    except OSError as error:
        raise FoldFailed(f"`{launcher}` cannot be started: {error.strerror}") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()
        if done.returncode == DATA_ERROR:
            damage = TraceCorrupt(run.path, said)
            _put_aside(run, damage)
            raise damage
        raise FoldFailed(said or f"`{launcher}` ended with {done.returncode}")
    failpoint("fold.done")


def find_launcher() -> str | None:
    """Returns the program `roar`: the one that started this daemon, else that of the same environment."""
    beside = os.path.join(os.path.dirname(sys.executable), "roar")
    for place in (os.environ.get("ROAR_LAUNCHER", ""), beside):
        if place and os.access(place, os.X_OK):
            return place
    return shutil.which("roar")
