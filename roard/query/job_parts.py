"""What hangs on jobs: files, dropped files, processes, warnings, counts; for many jobs by one statement each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from roar_proto.v1 import jobs_pb2 as pb
from roar_proto.v1 import types_pb2 as types
from sqlalchemy import Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from roard.db.tables import ArtifactRow, DroppedRow, InputRow, OutputRow, ProcessRow, WarningRow
from roard.model import HARMLESS_WARNINGS

ROLES: Mapping[str, types.Role.ValueType] = {"data": types.ROLE_DATA, "code": types.ROLE_CODE}

Wanted = Select[int]
"""A statement that selects ids of jobs."""


@dataclass(slots=True)
class JobFiles:
    """The files of one job, each list by path."""

    inputs: list[pb.JobFile] = field(default_factory=list)
    outputs: list[pb.JobFile] = field(default_factory=list)
    code: list[pb.JobFile] = field(default_factory=list)
    """Each path once: as it was read, or as it was written when the job did not read it."""


@dataclass(slots=True)
class Counts:
    """How much hangs on one job."""

    inputs: int = 0
    outputs: int = 0
    output_bytes: int = 0
    code: int = 0
    dropped: int = 0


def files(session: Session, wanted: Wanted) -> dict[int, JobFiles]:
    """Returns the files of all jobs wanted, by job id; two statements."""
    wanted = wanted.correlate(None)
    found: dict[int, JobFiles] = {job_id: JobFiles() for job_id in session.scalars(wanted)}
    for job_id, message, executed in _messages(session, InputRow, InputRow.executed, wanted):
        message.executed = executed
        files_of = found[job_id]
        (files_of.code if message.role == types.ROLE_CODE else files_of.inputs).append(message)
    for job_id, message, created in _messages(session, OutputRow, OutputRow.created, wanted):
        message.created = created
        files_of = found[job_id]
        (files_of.code if message.role == types.ROLE_CODE else files_of.outputs).append(message)
    for job_files in found.values():
        job_files.code = _each_once(job_files.code)
    return found


def _messages(
    session: Session, table: type[InputRow | OutputRow], mark: InstrumentedAttribute[bool], wanted: Wanted
) -> Iterator[tuple[int, pb.JobFile, bool]]:
    """Yields job id, message and mark of every file, by job and path."""
    columns = select(table.job_id, table.path, ArtifactRow.hash, table.size, table.role, table.hash_note, mark)
    joined = columns.outerjoin(ArtifactRow, table.artifact_id == ArtifactRow.id)
    rows = session.execute(joined.where(table.job_id.in_(wanted)).order_by(table.job_id, table.path))
    for job_id, path, digest, size, role, note, marked in rows:
        yield job_id, pb.JobFile(path=path, hash=digest or b"", size=size, role=ROLES[role], hash_note=note), marked


def _each_once(code: list[pb.JobFile]) -> list[pb.JobFile]:
    first: dict[bytes, pb.JobFile] = {}
    for file in code:
        first.setdefault(file.path, file)
    return sorted(first.values(), key=lambda file: file.path)


def dropped(session: Session, job_id: int) -> list[pb.DroppedFile]:
    """Returns the files that filters left out, by path."""
    rows = session.scalars(
        select(DroppedRow).where(DroppedRow.job_id == job_id).order_by(DroppedRow.path, DroppedRow.written)
    )
    return [pb.DroppedFile(path=row.path, rule=row.rule, written=row.written) for row in rows]


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
    rows = session.scalars(
        select(WarningRow).where(WarningRow.job_id.in_(wanted)).order_by(WarningRow.job_id, WarningRow.ordinal)
    )
    found: dict[int, list[types.Warning]] = {}
    for row in rows:
        found.setdefault(row.job_id, []).append(types.Warning(code=row.code, message=row.message))
    return found


def set_warnings(job: pb.Job, warnings: Iterable[types.Warning]) -> None:
    """Writes warnings into a message, and whether the job was seen as a whole."""
    job.warnings.extend(warnings)
    job.complete = not job.events_lost and all(warning.code in HARMLESS_WARNINGS for warning in job.warnings)


def counts(session: Session, wanted: Wanted) -> dict[int, Counts]:
    """Returns how much hangs on the jobs wanted, by job id; four statements."""
    found: dict[int, Counts] = {}
    for job_id, role, number in session.execute(_count(InputRow, wanted)):
        count = found.setdefault(job_id, Counts())
        if role == "data":
            count.inputs = number
        else:
            count.code = number
    sizes = _count(OutputRow, wanted).add_columns(func.sum(OutputRow.size))
    for job_id, role, number, size in session.execute(sizes):
        if role == "data":
            count = found.setdefault(job_id, Counts())
            count.outputs, count.output_bytes = number, size
    for job_id, number in session.execute(_code_only_written(wanted)):
        found.setdefault(job_id, Counts()).code += number
    number_dropped = select(DroppedRow.job_id, func.count()).where(DroppedRow.job_id.in_(wanted))
    for job_id, number in session.execute(number_dropped.group_by(DroppedRow.job_id)):
        found.setdefault(job_id, Counts()).dropped = number
    return found


def _count(table: type[InputRow | OutputRow], wanted: Wanted) -> Select[int, str, int]:
    statement = select(table.job_id, table.role, func.count()).where(table.job_id.in_(wanted))
    return statement.group_by(table.job_id, table.role)


def _code_only_written(wanted: Wanted) -> Select[int, int]:
    """Counts code that a job wrote without reading it: the rest is counted among what it read."""
    read_too = select(InputRow.path).where(InputRow.job_id == OutputRow.job_id, InputRow.path == OutputRow.path)
    code = select(OutputRow.job_id, func.count()).where(OutputRow.job_id.in_(wanted), OutputRow.role == "code")
    return code.where(~read_too.where(InputRow.role == "code").exists()).group_by(OutputRow.job_id)


def set_counts(job: pb.Job, count: Counts | None) -> None:
    """Writes counts into a message; None: nothing hangs on the job."""
    count = count or Counts()
    job.input_count, job.output_count, job.output_bytes = count.inputs, count.outputs, count.output_bytes
    job.code_count, job.dropped_count = count.code, count.dropped
