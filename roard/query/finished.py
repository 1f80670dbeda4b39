"""A job that was just recorded, as much of it as a summary says. On the way of every run back to the prompt."""

from __future__ import annotations

from roar_proto.v1 import jobs_pb2 as pb
from roar_proto.v1 import types_pb2
from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from roard.db.tables import ArtifactRow, InputRow, JobRow, OutputRow, WarningRow
from roard.project import Project
from roard.query.job_parts import ROLES, set_warnings
from roard.query.jobs import JOBS, job_message

MOST_FILES = 20

# Statements are built once: building one takes twice as long as running it.
_HEAD = JOBS.where(JobRow.id == bindparam("job"))
_WARNINGS = (
    select(WarningRow.code, WarningRow.message)
    .where(WarningRow.job_id == bindparam("job"))
    .order_by(WarningRow.ordinal)
)


def _first_files(table: type[InputRow | OutputRow]) -> Select[bytes, bytes, int, str, bool]:
    """Builds the statement for the first files of a job by path. Index: the primary key."""
    mark = InputRow.executed if table is InputRow else OutputRow.created
    columns = select(table.path, ArtifactRow.hash, table.size, table.hash_note, mark.label("mark")).outerjoin(
        ArtifactRow
    )
    wanted = columns.where(table.job_id == bindparam("job"), table.role == bindparam("role"))
    return wanted.order_by(table.path).limit(MOST_FILES)


_INPUTS, _OUTPUTS = _first_files(InputRow), _first_files(OutputRow)


def finished_job(project: Project, job_id: int) -> pb.Job:
    """Returns a job with counts and warnings, and at most 20 of its inputs, outputs and code files each."""
    with project.store.read() as session:
        job = job_message(session.execute(_HEAD, {"job": job_id}).one())
        if job.input_count:
            job.inputs.extend(_files(session, _INPUTS, job_id, "data"))
        if job.output_count:
            job.outputs.extend(_files(session, _OUTPUTS, job_id, "data"))
        if job.code_count:
            job.code.extend(_files(session, _INPUTS, job_id, "code"))
        warnings = session.execute(_WARNINGS, {"job": job_id})
        set_warnings(job, (types_pb2.Warning(code=code, message=message) for code, message in warnings))
        return job


def _files(
    session: Session, statement: Select[bytes, bytes, int, str, bool], job_id: int, role: str
) -> list[pb.JobFile]:
    is_input = statement is _INPUTS
    return [
        pb.JobFile(
            path=row.path,
            hash=row.hash or b"",
            size=row.size,
            role=ROLES[role],
            hash_note=row.hash_note,
            executed=is_input and row.mark,
            created=not is_input and row.mark,
        )
        for row in session.execute(statement, {"job": job_id, "role": role})
    ]
