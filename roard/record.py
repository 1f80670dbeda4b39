"""record_job(): what becomes of a run that has ended. The heart of the daemon.

Read the run directory, sort its files by role, find their contents, and commit everything in one transaction; only
then does the run directory go. A crash anywhere leaves either the directory or the job.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from blake3 import blake3
from roar_proto.v1 import run_pb2, types_pb2
from sqlalchemy.orm import Session

from roard.config import ALGORITHMS, ALWAYS, Settings
from roard.content import Wanted, contents
from roard.context.machine import machine
from roard.db import artifacts, cache_entries, jobs, session_files, sessions
from roard.errors import RunConflict, RunPopped, shown
from roard.failpoints import failpoint
from roard.filters import Use, Verdict
from roard.hashing.digest import Expected, Progress
from roard.model import CacheEntry, DroppedFile, JobFacts, RecordedJob, StatKey, StepCandidate, UsedFile
from roard.other_daemons import other_daemons
from roard.paths import to_stored
from roard.project import Project
from roard.roles import Judge, judge_for
from roard.run_cache.keep import Folded, keep_outputs
from roard.steps import choose_step, named_shape, shape_of
from roard.trace.rundir import RunDir, SealedRun, read_run

EXTERNAL_SIGNALS = frozenset({1, 2, 3, 9, 15})
"""HUP, INT, QUIT, KILL, TERM: somebody outside wanted the job to end."""
NAMED_FILES = 3
"""In a warning; the rest is counted."""
_LOST = frozenset({"gone", "changed-after", "unreadable"})
_CONTENT_CONTEXT = "roar job content 1"


@dataclass(frozen=True)
class _Uses:
    """The files of a run, sorted."""

    reads: Sequence[tuple[run_pb2.FileRead, str]]
    """With their role."""
    writes: Sequence[tuple[run_pb2.FileWrite, str]]
    dropped: Sequence[DroppedFile]
    git_problem: str
    ignore_problem: str


def record_job(project: Project, run_dir: RunDir, progress: Progress) -> RecordedJob:
    """Records a run that has ended, and returns its job; a run that is recorded already returns the same job.

    Raises RunNotFound, RunNotSealed, TraceCorrupt, RunConflict, RunPopped, and what store.write() raises; the run
    directory is then as it was.
    """
    run = read_run(run_dir)
    failpoint("record.read")
    facts = _facts(project, run, progress)
    failpoint("record.hashed")
    entry = keep_outputs(project, run.record, Folded(run.folded, facts), progress)
    failpoint("record.kept")
    job = commit_job(project, run.record, facts, entry)
    run_dir.remove()
    return job


def commit_job(
    project: Project, record: run_pb2.RunRecord, facts: JobFacts, entry: CacheEntry | None = None
) -> RecordedJob:
    """Commits a job and all that follows from it: its step, its artifacts, the hash of its session.

    A run that is recorded already returns its job. Raises RunConflict, RunPopped, and what store.write() raises.
    """
    now_ns = time.time_ns()
    with project.store.write() as session:
        if known := jobs.find_by_run(session, facts.run_id):
            if known.payload_hash != facts.payload_hash:
                raise RunConflict(facts.run_id)
            return known
        if jobs.is_popped(session, facts.run_id):
            raise RunPopped(facts.run_id)
        job = store_job(session, project.root, record, facts, now_ns)
        if entry:
            cache_entries.add_entry(session, job.id, entry)
        return job


def store_job(session: Session, root: bytes, record: run_pb2.RunRecord, facts: JobFacts, now_ns: int) -> RecordedJob:
    """Writes a job and all that follows from it: its step, its artifacts, the files and the hash of its session."""
    session_id = sessions.active_session(session, now_ns)
    failpoint("write.session")
    step_id = _step(session, session_id, root, record, facts)
    failpoint("write.step")
    artifacts.add_artifacts(session, (file.content for file in (*facts.inputs, *facts.outputs)), now_ns)
    failpoint("write.artifacts")
    job = jobs.insert_job(session, step_id, facts)
    session_files.note_job(session, job.id)
    failpoint("write.session-files")
    sessions.update_hash(session, session_id)
    failpoint("write.session-hash")
    return job


def _step(session: Session, session_id: int, root: bytes, record: run_pb2.RunRecord, facts: JobFacts) -> int:
    """Returns the step of a job: the one that was to be run again, else the one that it looks like, else a new one."""
    if record.again_of and (known := sessions.step_of_job(session, session_id, facts.kind, record.again_of)):
        return known
    named = bool(record.step_name)
    shape = named_shape(record.step_name) if named else shape_of(record.argv, record.cwd, root)
    outputs = frozenset(file.path for file in facts.outputs if file.role == "data")
    candidates = sessions.steps_of_shape(session, session_id, facts.kind, shape)
    if not named:
        # A name pins its command, also where it is left out; of equals the last is chosen, which has none.
        candidates = [*sessions.named_steps(session, session_id, facts), *candidates]
    step_id = choose_step(StepCandidate(0, facts.argv, facts.cwd, outputs), candidates, named=named)
    return sessions.add_step(session, session_id, facts.kind, shape, named=named) if step_id is None else step_id


def _facts(project: Project, run: SealedRun, progress: Progress) -> JobFacts:
    record, folded = run.record, run.folded
    uses = _sort(run, judge_for(project))
    wanted = [*map(_wanted_read, uses.reads), *map(_wanted_write, uses.writes)]
    found = iter(contents(project, wanted, progress, algorithms_of(project.settings(), record)))
    root = project.root
    written = {write.path for write in run.folded.writes}
    inputs = [
        UsedFile(to_stored(root, read.path), role, read.executed, next(found), _is_removed(read, written))
        for read, role in uses.reads
    ]
    outputs = [UsedFile(to_stored(root, write.path), role, write.created, next(found)) for write, role in uses.writes]
    words = [word.decode("utf-8", "replace") for word in record.argv]
    return JobFacts(
        run_id=record.run_id,
        payload_hash=run.payload_hash,
        kind="build" if record.kind == types_pb2.JOB_KIND_BUILD else "run",
        argv=list(record.argv),
        command=shlex.join(words),
        cwd=to_stored(root, record.cwd),
        status=status_of(folded),
        exit_code=folded.exit_code if folded.HasField("exit_code") else None,
        exit_signal=folded.exit_signal if folded.HasField("exit_signal") else None,
        started_at_ns=record.started_at_ns,
        duration_ns=folded.duration_ns,
        tracer=folded.tracer,
        events_lost=folded.events_lost,
        hostname=record.hostname,
        user=record.user,
        roar_version=record.roar_version,
        git=run.git,
        inputs=inputs,
        outputs=outputs,
        dropped=uses.dropped,
        processes=folded.processes,
        warnings=_warnings(run, uses, [*inputs, *outputs]),
        content_hash=content_hash(record.argv, root, inputs, outputs),
        machine=machine(),
    )


def algorithms_of(settings: Settings, record: run_pb2.RunRecord) -> list[str]:
    """Returns the hash algorithms wanted beside BLAKE3, each once, by name."""
    wanted = {*settings.hash_algorithms, *record.hash_algorithms} - {ALWAYS}
    # The launcher may be newer than this daemon, and Begin not have come here.
    return sorted(wanted.intersection(ALGORITHMS))


def status_of(folded: run_pb2.FoldedTrace) -> str:
    """Returns how a run ended."""
    if folded.launcher_lost:
        return "interrupted"
    if folded.HasField("exit_code") and folded.exit_code == 0:
        return "ok"
    stopped = folded.interrupted_by in EXTERNAL_SIGNALS or folded.exit_signal in EXTERNAL_SIGNALS
    return "interrupted" if stopped else "failed"


def content_hash(argv: Iterable[bytes], root: bytes, inputs: Sequence[UsedFile], outputs: Sequence[UsedFile]) -> bytes:
    """Returns the hash of what a job is, whoever runs it wherever: its command and its files by path and content.

    Compiled Python is left out: it holds the times and the folder of its source.
    """
    hasher = blake3(derive_key_context=_CONTENT_CONTEXT)
    inside = re.compile(re.escape(root) + rb"(?=/|$)")
    _feed(hasher, (inside.sub(b".", word) for word in argv))
    for files in (inputs, outputs):
        kept = sorted((f.path, f.role.encode(), f.content.digest) for f in files if not f.path.endswith(b".pyc"))
        _feed(hasher, (part for file in kept for part in file))
    return hasher.digest()


def _feed(hasher: blake3, parts: Iterable[bytes]) -> None:
    body = b"".join(len(part).to_bytes(8, "little") + part for part in parts)
    hasher.update(len(body).to_bytes(8, "little") + body)


def _sort(run: SealedRun, judge: Judge) -> _Uses:
    reads, writes, dropped = [], [], []
    for read in run.folded.reads:
        verdict, line = judge(read.path, Use.EXECUTED if read.executed else Use.READ)
        if verdict.is_recorded:
            reads.append((read, verdict.value))
        elif verdict is not Verdict.NOTHING:
            dropped.append(DroppedFile(read.path, verdict.value, written=False, decided_by=line))
    for write in run.folded.writes:
        verdict, line = judge(write.path, Use.WRITTEN)
        if verdict.is_recorded:
            writes.append((write, verdict.value))
        elif verdict is not Verdict.NOTHING:
            dropped.append(DroppedFile(write.path, verdict.value, written=True, decided_by=line))
    return _Uses(reads, writes, dropped, judge.git_problem, judge.ignore_problem)


def _is_removed(read: run_pb2.FileRead, written: Collection[bytes]) -> bool:
    """Returns whether a job left nothing where it read a file."""
    return (read.replaced or bool(read.now_at)) and read.path not in written


def _wanted_read(use: tuple[run_pb2.FileRead, str]) -> Wanted:
    read = use[0]
    note = "changed-by-job" if read.replaced else "changed-after"
    # What the job only renamed, linked or chmodded still has its content, but another change time.
    where = Expected(read.now_at or read.path, StatKey.of_message(read.stat), strict=read.replaced)
    return Wanted(where, note)


def _wanted_write(use: tuple[run_pb2.FileWrite, str]) -> Wanted:
    return Wanted(Expected(use[0].path, StatKey.of_message(use[0].stat), strict=True), "changed-after")


def _warnings(run: SealedRun, uses: _Uses, files: Sequence[UsedFile]) -> list[types_pb2.Warning]:
    """Returns what the record does not know: what the launcher says, then what was found here."""
    warnings = list(run.folded.warnings)
    said = {warning.code for warning in warnings}
    if run.folded.launcher_lost and "launcher-lost" not in said:
        warnings.append(_warning("launcher-lost", "`roar` was killed during the run; what came after may be missing"))
    if asked := other_daemons(run.folded.processes):
        warnings.append(asked)
    if problem := run.git_problem or uses.git_problem:
        warnings.append(_warning("git-unreadable", f"git could not be read: {problem}"))
    elif run.git is not None and not run.git.HasField("dirty"):
        warnings.append(_warning("git-dirty-unknown", "whether the work tree was clean could not be found out in time"))
    if uses.ignore_problem:
        warnings.append(_warning("bad-ignore-rule", f"part of `.roarignore` decided nothing: {uses.ignore_problem}"))
    lost = [f"{shown(file.path)} ({file.content.note})" for file in files if file.content.note in _LOST]
    if lost:
        more = f" and {len(lost) - NAMED_FILES} more" if len(lost) > NAMED_FILES else ""
        named = ", ".join(lost[:NAMED_FILES])
        warnings.append(_warning("content-unknown", f"changed or gone before they could be hashed: {named}{more}"))
    return warnings


def _warning(code: str, message: str) -> types_pb2.Warning:
    return types_pb2.Warning(code=code, message=message)
