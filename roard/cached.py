"""Answers `roar run --cached`: would this run make what an earlier job made? Then its outputs are restored.

First everything is looked at, then all contents are copied aside, then the copies take their names, then the job is
recorded: a kill in between leaves each file as it was or as it is to be, and the next run does the rest.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from roar_proto.v1 import cache_pb2, run_pb2, types_pb2
from roar_proto.v1 import jobs_pb2 as pb

from roard.context.machine import machine
from roard.db import cache_entries, jobs
from roard.db.cache_entries import Candidate
from roard.db.tables import JobRow
from roard.errors import BadRequest, shown
from roard.failpoints import failpoint
from roard.filters import Use
from roard.model import JobFacts, UsedFile
from roard.paths import to_absolute, to_stored
from roard.project import Project
from roard.query.disk import look
from roard.query.finished import finished_job
from roard.query.graph import DiskFile
from roard.record import algorithms_of, commit_job
from roard.roles import judge_for
from roard.run_cache.keep import command_key, deciding_inputs, lasting_outputs, objects_dir, read_fingerprint
from roard.run_cache.objects import ObjectStore
from roard.run_cache.surroundings import first_difference, project_key, surroundings_of
from roard.run_cache.trim import trim

NAMED_FILES = 3
"""In a reason; the rest is counted."""


class _Miss(Exception):
    """Why the command must be run."""


@dataclass(frozen=True)
class Question:
    """A run that might be spared."""

    record: run_pb2.RunRecord
    environment: Sequence[bytes]
    """NAME=value each."""
    open_files: Sequence[bytes]
    """That the command inherits and may write to; absolute."""
    git: types_pb2.GitState | None
    """As it is now."""
    is_gone: Callable[[], bool]
    """Whether nobody waits for the answer any more: the command may be running."""


@dataclass(frozen=True)
class _Earlier:
    """A job that may stand for the run, with its files."""

    candidate: Candidate
    fingerprint: cache_pb2.CacheFingerprint
    inputs: Sequence[UsedFile]
    outputs: Sequence[UsedFile]


def restore_cached(project: Project, question: Question) -> pb.RestoreCachedResponse:
    """Restores the outputs of an earlier job and records that, or says why the command must be run.

    May read every input and output of up to 20 jobs, as far as the hash cache does not know them. Raises BadRequest,
    and what commit_job() raises.
    """
    record = question.record
    if not record.argv:
        raise BadRequest("`argv` is empty")
    with project.store.read() as session:
        known = jobs.find_by_run(session, record.run_id)
    if known:
        return _restored(project, known.id, [])
    surroundings = None
    try:
        # Before anything is kept of this run: a file that its caller redirected it into is no output of the next one.
        _check_open_files(project, question.open_files)
        surroundings = surroundings_of(question.environment, project_key(objects_dir(project.root)))
        earlier, missing = _find(project, record, surroundings)
        _restore(project, earlier, missing, question.is_gone)
    except (_Miss, OSError) as why:
        reason = f"outputs cannot be restored: {why}" if isinstance(why, OSError) else str(why)
        return pb.RestoreCachedResponse(miss=pb.CacheMiss(reason=reason, surroundings=surroundings))
    job = commit_job(project, record, _facts(project, question, earlier))
    failpoint("restore.done")
    return _restored(project, job.id, missing)


def _check_open_files(project: Project, paths: Iterable[bytes]) -> None:
    """Raises _Miss when what is printed is an output: that is not kept. A log elsewhere is as good as a terminal."""
    judge = judge_for(project)
    for path in paths:
        if judge(path, Use.WRITTEN).verdict.is_recorded:
            raise _Miss(f"it may print into {shown(to_stored(project.root, path))}, and what it prints is not kept")


def trim_cache(project: Project, *, dry_run: bool) -> cache_pb2.TrimCacheResponse:
    """Removes kept contents that are of no use, or too many; dry_run: only counts. Raises ConfigError."""
    limit = project.settings().cache_max_size
    with project.store.read() as session:
        wanted = cache_entries.wanted_digests(session)
    return trim(ObjectStore(objects_dir(project.root)), wanted, limit, dry_run=dry_run)


def _restored(project: Project, job_id: int, files: Sequence[UsedFile]) -> pb.RestoreCachedResponse:
    size = sum(file.content.size for file in files)
    outputs = pb.RestoredOutputs(job=finished_job(project, job_id), files=len(files), bytes=size)
    return pb.RestoreCachedResponse(restored=outputs)


def _find(
    project: Project, record: run_pb2.RunRecord, surroundings: run_pb2.Surroundings
) -> tuple[_Earlier, list[UsedFile]]:
    """Returns the newest job that may stand for the run, and which of its outputs are not in place.

    Raises _Miss with what is against the newest job of the command.
    """
    kind = "build" if record.kind == types_pb2.JOB_KIND_BUILD else "run"
    algorithms = algorithms_of(project.settings(), record)
    command = command_key(kind, to_stored(project.root, record.cwd), record.argv)
    with project.store.read() as session:
        found = cache_entries.candidates(session, command)
    first: _Miss | None = None
    for candidate in found:
        try:
            return _checked(project, candidate, surroundings, algorithms)
        except _Miss as miss:  # noqa: PERF203  20 at most
            first = first or miss
    raise first or _Miss("no earlier run of this command with `--cached`")


def _checked(
    project: Project, candidate: Candidate, surroundings: run_pb2.Surroundings, algorithms: Iterable[str]
) -> tuple[_Earlier, list[UsedFile]]:
    """Returns a job that may stand for the run, and its outputs that are not in place; cheap first. Raises _Miss."""
    if candidate.refused:
        raise _Miss(f"job {candidate.uid} can stand for no other: {candidate.refused}")
    fingerprint = read_fingerprint(candidate.fingerprint)
    if variable := first_difference(fingerprint.surroundings, surroundings):
        raise _Miss(f"environment variable {shown(variable)} differs")
    with project.store.read() as session:
        if cache_entries.lacks_digests(session, candidate.job_id, algorithms):
            raise _Miss(f"job {candidate.uid} was recorded without the hashes that are asked for now")
        inputs, outputs = cache_entries.used_files(session, candidate.job_id)
    deciding = deciding_inputs(inputs, outputs)
    disk = _look(project, deciding)
    if changed := [file.path for file in deciding if disk[file.path].digest != file.content.digest]:
        raise _Miss(f"inputs changed: {_named(changed)}")
    if seen := [file.path for file in fingerprint.files if not _is_as_seen(file)]:
        raise _Miss(f"programs or packages changed: {_named(seen)}")
    return _Earlier(candidate, fingerprint, inputs, outputs), _missing(project, outputs)


def _look(project: Project, files: Iterable[UsedFile]) -> Mapping[bytes, DiskFile]:
    return look(project, {file.path: (file.content.size,) for file in files})


def _is_as_seen(file: cache_pb2.SeenFile) -> bool:
    try:
        found = os.stat(file.path)
    except OSError:
        return False
    return (found.st_size, found.st_mtime_ns) == (file.size, file.mtime_ns)


def _missing(project: Project, outputs: Iterable[UsedFile]) -> list[UsedFile]:
    """Returns the outputs that must be put in place. Raises _Miss when one cannot be."""
    lasting = lasting_outputs(outputs)
    disk = _look(project, lasting)
    missing = [file for file in lasting if disk[file.path].digest != file.content.digest]
    store = ObjectStore(objects_dir(project.root))
    for file in missing:
        if not store.has(file.content.digest, file.content.size):
            raise _Miss(f"output {shown(file.path)} is no longer in the store")
        _check_place(project.root, file.path)
    return missing


def _check_place(root: bytes, path: bytes) -> None:
    """Raises _Miss when something stands in the way that a run would not replace, or would not write to."""
    target = to_absolute(root, path)
    with contextlib.suppress(OSError):
        if not stat.S_ISREG(os.lstat(target).st_mode):
            raise _Miss(f"{shown(path)} is no regular file now")
    directory = os.path.dirname(target)
    if os.path.realpath(directory) != directory:
        raise _Miss(f"the directory of {shown(path)} is a link now")


def _restore(project: Project, earlier: _Earlier, missing: Sequence[UsedFile], is_gone: Callable[[], bool]) -> None:
    """Puts the outputs in place. Raises _Miss and OSError; some may be in place then, each as a whole."""
    failpoint("restore.checked")
    store = ObjectStore(objects_dir(project.root))
    modes = {file.path: file.mode for file in earlier.fingerprint.modes}
    with contextlib.ExitStack() as left_over:
        staged = [(file, _staged(store, file, modes.get(file.path, 0o644), left_over)) for file in missing]
        failpoint("restore.staged")
        if is_gone():
            raise _Miss("nobody waits for it")
        for file, copy in staged:
            _put_in_place(store, file, copy, to_absolute(project.root, file.path))
            failpoint("restore.renamed")
    for file in lasting_outputs(earlier.outputs):
        store.used(file.content.digest)


def _staged(store: ObjectStore, file: UsedFile, mode: int, left_over: contextlib.ExitStack) -> bytes:
    digest = file.content.digest
    copy = store.stage(store.path_of(digest), digest, mode)
    if copy is None:
        store.remove(digest)
        raise _Miss(f"output {shown(file.path)} is damaged in the store")
    left_over.callback(_remove, copy)
    return copy


def _put_in_place(store: ObjectStore, file: UsedFile, copy: bytes, target: bytes) -> None:
    _make_directory(os.path.dirname(target))
    try:
        os.rename(copy, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # Another disk is mounted below the project.
        mode = os.stat(copy).st_mode & 0o7777
        beside = store.stage(copy, file.content.digest, mode, place=os.path.dirname(target))
        if beside is None:
            raise _Miss(f"output {shown(file.path)} is damaged in the store") from None
        os.rename(beside, target)


def _make_directory(path: bytes) -> None:
    """Makes a directory that is gone, with the permissions of the one above: the daemon's umask is its own."""
    if os.path.isdir(path):
        return
    above = os.path.dirname(path)
    _make_directory(above)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path)
        os.chmod(path, os.stat(above).st_mode & 0o777)


def _remove(path: bytes) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _facts(project: Project, question: Question, earlier: _Earlier) -> JobFacts:
    """Returns the job as it is recorded: the files of the earlier one, the time and the place of this one."""
    with project.store.read() as session:
        row = session.get_one(JobRow, earlier.candidate.job_id)
    record = question.record
    return JobFacts(
        run_id=record.run_id,
        payload_hash=row.payload_hash,
        kind="build" if record.kind == types_pb2.JOB_KIND_BUILD else "run",
        argv=list(record.argv),
        command=row.command,
        cwd=row.cwd,
        status="ok",
        exit_code=0,
        exit_signal=None,
        started_at_ns=record.started_at_ns,
        duration_ns=0,
        tracer=row.tracer,
        events_lost=0,
        hostname=record.hostname,
        user=record.user,
        roar_version=record.roar_version,
        git=question.git,
        inputs=earlier.inputs,
        outputs=earlier.outputs,
        dropped=(),
        processes=(),
        warnings=(),
        content_hash=row.content_hash,
        cached_from=earlier.candidate.uid,
        machine=machine(),
    )


def _named(paths: Sequence[bytes]) -> str:
    more = f" and {len(paths) - NAMED_FILES} more" if len(paths) > NAMED_FILES else ""
    return ", ".join(map(shown, paths[:NAMED_FILES])) + more
