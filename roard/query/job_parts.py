"""What hangs on jobs: files, dropped files, processes, warnings; for many jobs by one statement each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from roar_proto.v1 import jobs_pb2 as pb
from roar_proto.v1 import types_pb2 as types
from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from roard.db.tables import ArtifactDigestRow, ArtifactRow, DroppedRow, InputRow, OutputRow, ProcessRow, WarningRow
from roard.model import HARMLESS_WARNINGS

ROLES: Mapping[str, types.Role.ValueType] = {"data": types.ROLE_DATA, "code": types.ROLE_CODE}

Wanted = Select[int]
"""A statement that selects ids of jobs."""


def add_files(
    session: Session, jobs: Mapping[int, pb.Job], wanted: Wanted, *, code: bool = True, code_among_inputs: bool = False
) -> None:
    """Writes into the jobs wanted, by id, their files by path, with or without code; two statements.

    code_among_inputs: code that was read is listed there, too.
    """
    for job_id, path, digest, size, role, note, executed in _files(session, InputRow, InputRow.executed, wanted, code):
        job = jobs[job_id]
        files = job.code if role == "code" else job.inputs
        files.add(path=path, hash=digest, size=size, role=ROLES[role], hash_note=note, executed=executed)
        if role == "code" and code_among_inputs:
            job.inputs.append(job.code[-1])
    read = {job_id: {file.path for file in job.code} for job_id, job in jobs.items()} if code else {}
    for job_id, path, digest, size, role, note, created in _files(session, OutputRow, OutputRow.created, wanted, code):
        job = jobs[job_id]
        # Code that it read and wrote is there as it was read.
        if role == "data" or path not in read[job_id]:
            files = job.code if role == "code" else job.outputs
            files.add(path=path, hash=digest, size=size, role=ROLES[role], hash_note=note, created=created)
    if code:
        for job in jobs.values():
            job.code.sort(key=lambda file: file.path)


def _files(
    session: Session,
    table: type[InputRow | OutputRow],
    mark: InstrumentedAttribute[bool],
    wanted: Wanted,
    code: bool,  # noqa: FBT001  # as the caller was told
) -> Sequence[Any]:
    """Returns rows of job id, path, digest, size, role, note and mark of every file, by job and path."""
    columns = select(table.job_id, table.path, ArtifactRow.hash, table.size, table.role, table.hash_note, mark)
    joined = columns.outerjoin(ArtifactRow, table.artifact_id == ArtifactRow.id)
    joined = joined.where(table.job_id.in_(wanted.correlate(None)))
    if not code:
        joined = joined.where(table.role == "data")
    # Of the connection, not of the session: that would look for objects in each of the rows.
    return session.connection().execute(joined.order_by(table.job_id, table.path)).all()


def set_digests(session: Session, job_id: int, messages: Iterable[pb.JobFile]) -> None:
    """Writes into the files of a job what other algorithms call their contents; one statement."""
    used = select(InputRow.artifact_id).where(InputRow.job_id == job_id)
    used_or_made = used.union(select(OutputRow.artifact_id).where(OutputRow.job_id == job_id))
    columns = select(ArtifactRow.hash, ArtifactDigestRow.algorithm, ArtifactDigestRow.digest).join(ArtifactRow)
    rows = session.execute(columns.where(ArtifactDigestRow.artifact_id.in_(used_or_made)))
    known: dict[bytes, list[types.Digest]] = {}
    for digest, algorithm, other in rows:
        known.setdefault(digest, []).append(types.Digest(algorithm=algorithm, digest=other))
    for message in messages:
        message.digests.extend(sorted(known.get(message.hash, ()), key=lambda other: other.algorithm))


def dropped(session: Session, job_id: int) -> list[pb.DroppedFile]:
    """Returns the files that filters left out, by path."""
    rows = session.scalars(
        select(DroppedRow).where(DroppedRow.job_id == job_id).order_by(DroppedRow.path, DroppedRow.written)
    )
    return [
        pb.DroppedFile(path=row.path, rule=row.rule, written=row.written, decided_by=row.decided_by) for row in rows
    ]


def processes(session: Session, job_id: int) -> list[types.Process]:
    """Returns the processes of a job, in order of their start."""
    rows = session.scalars(select(ProcessRow).where(ProcessRow.job_id == job_id).order_by(ProcessRow.ordinal))
    return [_process(row) for row in rows]


def _process(row: ProcessRow) -> types.Process:
    return types.Process(
        pid=row.pid,
        parent_pid=row.parent_pid,
        exe=row.exe,
        argv=row.argv.split(b"\0") if row.argv else (),
        started_ns=row.started_ns,
        ended_ns=row.ended_ns,
        exit_code=row.exit_code,
        exit_signal=row.exit_signal,
        tracer=row.tracer,
    )


def warnings(session: Session, wanted: Wanted) -> dict[int, list[types.Warning]]:
    """Returns the warnings of all jobs wanted, by job id; one statement."""
    columns = select(WarningRow.job_id, WarningRow.code, WarningRow.message)
    rows = session.execute(columns.where(WarningRow.job_id.in_(wanted)).order_by(WarningRow.job_id, WarningRow.ordinal))
    found: dict[int, list[types.Warning]] = {}
    for job_id, code, message in rows:
        found.setdefault(job_id, []).append(types.Warning(code=code, message=message))
    return found


def set_warnings(job: pb.Job, warnings: Iterable[types.Warning]) -> None:
    """Writes warnings into a message, and whether the job was seen as a whole."""
    job.warnings.extend(warnings)
    job.complete = not job.events_lost and all(warning.code in HARMLESS_WARNINGS for warning in job.warnings)
