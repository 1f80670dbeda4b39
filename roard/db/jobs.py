"""Jobs and what hangs on them: found by run, inserted as a whole."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from roar_proto.v1 import types_pb2
from sqlalchemy import bindparam, exists, insert, select
from sqlalchemy.orm import Session

from roard.db import machines
from roard.db.tables import JobRow, PoppedRow
from roard.failpoints import failpoint
from roard.model import DroppedFile, JobFacts, RecordedJob, UsedFile

# Built once: building a statement takes twice as long as running it.
_BY_RUN = select(JobRow.id, JobRow.uid, JobRow.payload_hash).where(JobRow.run_id == bindparam("run_id"))
_UID_TAKEN = select(exists().where(JobRow.uid == bindparam("uid")) | exists().where(PoppedRow.uid == bindparam("uid")))
_IS_POPPED = select(exists().where(PoppedRow.run_id == bindparam("run_id")))
# A popped job keeps its number until nothing can bring it back.
_LAST_ID = "SELECT max(ifnull((SELECT max(id) FROM jobs), 0), ifnull((SELECT max(job_id) FROM popped), 0))"
_JOB = insert(JobRow).returning(JobRow.id)
# One statement a table, run by sqlite3 itself: 30,000 rows take 0.1 s, through the ORM 2.5 s.
_INPUT = """
INSERT INTO inputs (job_id, path, artifact_id, size, role, executed, hash_note, removed)
VALUES (?, ?, (SELECT id FROM artifacts WHERE hash = ?), ?, ?, ?, ?, ?)
"""
_OUTPUT = """
INSERT INTO outputs (job_id, path, artifact_id, size, role, created, hash_note, in_place)
VALUES (?, ?, (SELECT id FROM artifacts WHERE hash = ?), ?, ?, ?, ?, ?)
"""
_DROPPED = "INSERT INTO dropped (job_id, written, path, rule, decided_by) VALUES (?, ?, ?, ?, ?)"
_PROCESS = """
INSERT INTO processes
  (job_id, ordinal, pid, parent_pid, exe, argv, started_ns, ended_ns, exit_code, exit_signal, tracer)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_WARNING = "INSERT INTO warnings (job_id, ordinal, code, message) VALUES (?, ?, ?, ?)"


def find_by_run(session: Session, run_id: str) -> RecordedJob | None:
    """Returns the job that was recorded from a run. Index: jobs.run_id."""
    row = session.execute(_BY_RUN, {"run_id": run_id}).first()
    return None if row is None else RecordedJob(row.id, row.uid, row.payload_hash)


def is_popped(session: Session, run_id: str) -> bool:
    """Returns whether the job of a run was recorded and popped since. Index: popped.run_id."""
    return bool(session.scalar(_IS_POPPED, {"run_id": run_id}))


def insert_job(session: Session, step_id: int, facts: JobFacts) -> RecordedJob:
    """Inserts a job with its files, processes and warnings; its artifacts must be there (artifacts.py)."""
    uid = _new_uid(session)
    number = session.connection().exec_driver_sql(_LAST_ID).scalar_one() + 1
    machine = machines.machine_id(session, facts.machine)
    known = {"id": number, "uid": uid, "step_id": step_id, "machine_id": machine}
    job_id = session.execute(_JOB, {**known, **_columns(facts)}).scalar_one()
    failpoint("write.job")
    _many(session, _INPUT, [(*_file_row(job_id, file), file.removed) for file in facts.inputs])
    failpoint("write.inputs")
    read = {file.path for file in facts.inputs}
    _many(session, _OUTPUT, [(*_file_row(job_id, file), file.path in read) for file in facts.outputs])
    failpoint("write.outputs")
    _many(session, _DROPPED, [_dropped_row(job_id, file) for file in facts.dropped])
    failpoint("write.dropped")
    _many(session, _PROCESS, [_process_row(job_id, i, process) for i, process in enumerate(facts.processes)])
    failpoint("write.processes")
    _many(session, _WARNING, [(job_id, i, warning.code, warning.message) for i, warning in enumerate(facts.warnings)])
    failpoint("write.warnings")
    return RecordedJob(job_id, uid, facts.payload_hash)


def _new_uid(session: Session) -> str:
    """Returns eight random hex digits that no job has; all ids have one length, so none is the prefix of another."""
    while True:
        uid = secrets.token_hex(4)
        if not session.scalar(_UID_TAKEN, {"uid": uid}):
            return uid


def _columns(facts: JobFacts) -> dict[str, object]:
    git = facts.git
    return {
        "run_id": facts.run_id,
        "payload_hash": facts.payload_hash,
        "content_hash": facts.content_hash,
        "argv": b"\0".join(facts.argv),
        "command": facts.command,
        "cwd": facts.cwd,
        "status": facts.status,
        "exit_code": facts.exit_code,
        "exit_signal": facts.exit_signal,
        "started_at_ns": facts.started_at_ns,
        "duration_ns": facts.duration_ns,
        "tracer": facts.tracer,
        "events_lost": facts.events_lost,
        "hostname": facts.hostname,
        "user": facts.user,
        "roar_version": facts.roar_version,
        "git_commit": git and git.commit,
        "git_branch": git and git.branch,
        "git_remote": git and git.remote,
        "git_dirty": git.dirty if git and git.HasField("dirty") else None,
        "git_changed": b"\0".join(git.changed_paths) if git else None,
        "git_read_late": bool(git and git.read_late),
        "cached_from": facts.cached_from,
        **_counts(facts),
    }


def _counts(facts: JobFacts) -> dict[str, object]:
    made = [file.content.size for file in facts.outputs if file.role == "data"]
    return {
        "input_count": sum(file.role == "data" for file in facts.inputs),
        "output_count": len(made),
        "output_bytes": sum(made),
        "code_count": len({file.path for file in (*facts.inputs, *facts.outputs) if file.role == "code"}),
        "dropped_count": len(facts.dropped),
    }


def _file_row(job_id: int, file: UsedFile) -> tuple[object, ...]:
    content = file.content
    return job_id, file.path, content.digest or None, content.size, file.role, file.mark, content.note


def _dropped_row(job_id: int, file: DroppedFile) -> tuple[object, ...]:
    return job_id, file.written, file.path, file.rule, file.decided_by


def _process_row(job_id: int, ordinal: int, process: types_pb2.Process) -> tuple[object, ...]:
    return (
        job_id,
        ordinal,
        process.pid,
        process.parent_pid,
        process.exe,
        b"\0".join(process.argv),
        process.started_ns,
        process.ended_ns if process.HasField("ended_ns") else None,
        process.exit_code if process.HasField("exit_code") else None,
        process.exit_signal if process.HasField("exit_signal") else None,
        process.tracer,
    )


def _many(session: Session, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        session.connection().exec_driver_sql(statement, list(rows))
