"""The state of git, noted in the run directory beside the run."""

from __future__ import annotations

import logging

from roar_proto.v1 import types_pb2

from roard.context.git import MOST_CHANGED, GitUnreadable, changed_paths, open_repository
from roard.errors import RunNotFound, TraceCorrupt
from roard.failpoints import failpoint
from roard.trace.format import Kind, write_sealed
from roard.trace.rundir import RunDir

log = logging.getLogger(__name__)


def read_state(root: bytes) -> types_pb2.GitState | None:
    """Returns commit, branch and remote, None outside git. Raises GitUnreadable."""
    repository = open_repository(root)
    return repository.state() if repository else None


def note_state(run: RunDir, root: bytes, state: types_pb2.GitState) -> None:
    """Writes what is known at once, and once more when `git status` has said what is changed."""
    _write(run, state)
    try:
        changed = changed_paths(root)
    except GitUnreadable as error:
        log.warning("run %s: %s", run.run_id, error)
        return
    state.dirty = bool(changed)
    state.changed_paths.extend(changed[:MOST_CHANGED])
    _write(run, state)


def note_state_late(run: RunDir, root: bytes) -> None:
    """Writes the state for a run that no daemon saw begin: what its launcher found out, else what it is now."""
    try:
        record = run.read_record()
        state = record.git if record.HasField("git") else read_state(root)
    except (RunNotFound, TraceCorrupt, OSError, GitUnreadable) as error:
        log.warning("run %s has no state of git: %s", run.run_id, error)
        return
    if state is not None:
        state.read_late = True
        note_state(run, root, state)


def _write(run: RunDir, state: types_pb2.GitState) -> None:
    try:
        # Not durable: a power failure in the middle of a run may cost this much.
        write_sealed(run.git_file, Kind.GIT, state, durable=False)
        failpoint("git.noted")
    except FileNotFoundError:
        log.info("run %s was recorded before git had answered", run.run_id)
    except OSError as error:
        log.warning("run %s: the state of git cannot be written: %s", run.run_id, error)
