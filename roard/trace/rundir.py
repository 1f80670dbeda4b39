"""Run directories: what is in them, who still holds them, and how they end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import time
from dataclasses import dataclass

from blake3 import blake3
from roar_proto.v1 import run_pb2, types_pb2

from roard.errors import RunNotFound, RunNotSealed, TraceCorrupt
from roard.failpoints import failpoint
from roard.trace.format import Kind, unseal

HALF_MADE_S = 60
"""Age at which a directory without a record, which nobody holds, is what a killed launcher left."""
_UNNAMED = b"new-"
_LARGEST = 2**63 - 1
_RUN_ID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DONE = b"done-"
_CORRUPT = b"corrupt-"


@dataclass(frozen=True)
class RunDir:
    """`.roar/runs/RUN_ID/` of a run that is not recorded yet."""

    path: bytes

    @property
    def run_id(self) -> str:
        return os.path.basename(self.path).decode()

    @property
    def git_file(self) -> bytes:
        return os.path.join(self.path, b"git")

    @property
    def has_record(self) -> bool:
        return os.path.exists(os.path.join(self.path, b"record"))

    @property
    def is_sealed(self) -> bool:
        return os.path.exists(os.path.join(self.path, b"folded"))

    def lacks_git(self) -> bool:
        """Returns whether nobody has noted the state of git for this run."""
        return self.has_record and not os.path.exists(self.git_file)

    def read_record(self) -> run_pb2.RunRecord:
        """Returns what the launcher wrote before the command started. Raises TraceCorrupt, RunNotFound."""
        path = os.path.join(self.path, b"record")
        try:
            content = _read(path)
        except FileNotFoundError:
            raise RunNotFound(self.run_id) from None
        return unseal(Kind.RECORD, run_pb2.RunRecord, path, content)

    def is_held(self) -> bool:
        """Returns whether a launcher or tracer still lives, that is holds the lock."""
        try:
            fd = os.open(os.path.join(self.path, b"lock"), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def remove(self) -> None:
        """Removes the directory. Renamed first: a half-removed one must never be taken for a run."""
        failpoint("remove.begin")
        done = os.path.join(os.path.dirname(self.path), _DONE + os.path.basename(self.path))
        with contextlib.suppress(FileNotFoundError):
            os.rename(self.path, done)
        failpoint("remove.renamed")
        shutil.rmtree(done, ignore_errors=True)
        failpoint("remove.done")

    def quarantine(self) -> bytes:
        """Puts the directory aside, never to be ingested, and returns where it is now."""
        failpoint("quarantine.begin")
        aside = os.path.join(os.path.dirname(self.path), _CORRUPT + os.path.basename(self.path))
        with contextlib.suppress(FileNotFoundError):
            os.rename(self.path, aside)
        failpoint("quarantine.renamed")
        return aside


@dataclass(frozen=True)
class SealedRun:
    """A run that has ended, as its directory tells it."""

    record: run_pb2.RunRecord
    folded: run_pb2.FoldedTrace
    payload_hash: bytes
    """BLAKE3 of the file `folded`."""
    git: types_pb2.GitState | None
    """None outside git, or when nobody could read it."""
    git_problem: str
    """Why git could not be read; empty when it could, or there is none."""


def runs_dir_of(root: bytes) -> bytes:
    """Returns where the run directories of a project are."""
    return os.path.join(root, b".roar", b"runs")


def run_dir(runs_dir: bytes, run_id: str) -> RunDir:
    """Returns the directory of a run, which need not exist. Raises RunNotFound when the id is none."""
    name = run_id.encode("utf-8", "replace")
    if not _RUN_ID.fullmatch(name):
        raise RunNotFound(run_id)
    return RunDir(os.path.join(runs_dir, name))


def list_runs(runs_dir: bytes) -> list[RunDir]:
    """Returns the run directories of a project that hold a record, oldest first.

    Clears away what is recorded already, and what a launcher left that was killed before it had written the record.
    """
    try:
        names = sorted(os.listdir(runs_dir))
    except FileNotFoundError:
        return []
    found = []
    for name in names:
        run = RunDir(os.path.join(runs_dir, name))
        if name.startswith(_DONE) or _is_half_made(run, name):
            shutil.rmtree(run.path, ignore_errors=True)
        elif _RUN_ID.fullmatch(name) and run.has_record:
            found.append(run)
    return found


def list_quarantined(runs_dir: bytes) -> list[bytes]:
    """Returns the run directories that were put aside, never to be recorded; absolute paths."""
    try:
        names = sorted(os.listdir(runs_dir))
    except OSError:
        return []
    return [os.path.join(runs_dir, name) for name in names if name.startswith(_CORRUPT)]


def _is_half_made(run: RunDir, name: bytes) -> bool:
    if not (name.startswith(_UNNAMED) or (_RUN_ID.fullmatch(name) and not run.has_record)):
        return False
    try:
        age = time.time() - os.stat(run.path).st_mtime
    except FileNotFoundError:
        return False
    return age > HALF_MADE_S and not run.is_held()


def read_run(run: RunDir) -> SealedRun:
    """Returns everything about a run that has ended. Raises RunNotFound, RunNotSealed, TraceCorrupt."""
    record = run.read_record()
    path = os.path.join(run.path, b"folded")
    try:
        content = _read(path)
    except FileNotFoundError:
        raise RunNotSealed(run.run_id) from None
    folded = unseal(Kind.FOLDED, run_pb2.FoldedTrace, path, content)
    if record.run_id != run.run_id or not record.argv:
        raise TraceCorrupt(path, "its record is that of another run, or of none")
    _check(path, record, folded)
    git, problem = _read_git(run, record)
    return SealedRun(record, folded, blake3(content).digest(), git, problem)


def _check(path: bytes, record: run_pb2.RunRecord, folded: run_pb2.FoldedTrace) -> None:
    """Raises TraceCorrupt for a trace that no launcher writes and no database could hold."""
    for files in (folded.reads, folded.writes):
        if len({file.path for file in files}) != len(files):
            raise TraceCorrupt(path, "it has the same path twice")
        if any(file.stat.size > _LARGEST for file in files):
            raise TraceCorrupt(path, "it has a file of an impossible size")
    ends = [process.ended_ns for process in folded.processes] + [process.started_ns for process in folded.processes]
    if max([record.started_at_ns, folded.duration_ns, *ends]) > _LARGEST:
        raise TraceCorrupt(path, "it has an impossible time")
    if folded.events_lost > _LARGEST:
        raise TraceCorrupt(path, "it has an impossible number of lost events")


def _read_git(run: RunDir, record: run_pb2.RunRecord) -> tuple[types_pb2.GitState | None, str]:
    """Returns the state of git; a damaged file costs the state, not the job."""
    try:
        return unseal(Kind.GIT, types_pb2.GitState, run.git_file, _read(run.git_file)), ""
    except FileNotFoundError:
        return (record.git if record.HasField("git") else None), ""
    except (OSError, TraceCorrupt) as error:
        return None, str(error)


def _read(path: bytes) -> bytes:
    with open(path, "rb") as file:
        return file.read()
