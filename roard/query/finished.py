"""A job that was just recorded, as much of it as a summary says. On the way of every run back to the prompt."""

from __future__ import annotations

from roar_proto.v1 import jobs_pb2 as pb
from roar_proto.v1 import types_pb2
from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from roard.db.tables import ArtifactRow, InputRow, JobRow, OutputRow, SessionRow, StepRow, WarningRow
from roard.project import Project
from roard.query.job_parts import ROLES, set_warnings
from roard.query.jobs import job_message

MOST_FILES = 20

# Statements are built once: building one takes twice as long as running it.
_HEAD = (
    select(JobRow, StepRow, SessionRow.hash)
    .join(StepRow, JobRow.step_id == StepRow.id)
    .join(SessionRow)
    .where(JobRow.id == bindparam("job"))
)
_WARNINGS = (
    select(WarningRow.code, WarningRow.message)
    .where(WarningRow.job_id == bindparam("job"))
    .order_by(WarningRow.ordinal)
)
_COUNTS = """
SELECT (SELECT count(*) FROM inputs WHERE job_id = :job AND role = 'data') AS inputs,
       (SELECT count(*) FROM outputs WHERE job_id = :job AND role = 'data') AS outputs,
       (SELECT coalesce(sum(size), 0) FROM outputs WHERE job_id = :job AND role = 'data') AS output_bytes,
       (SELECT count(*) FROM (SELECT path FROM inputs WHERE job_id = :job AND role = 'code'
                              UNION SELECT path FROM outputs WHERE job_id = :job AND role = 'code')) AS code,
       (SELECT count(*) FROM dropped WHERE job_id = :job) AS dropped
"""


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
        row, step, session_hash = session.execute(_HEAD, {"job": job_id}).one()
        job = job_message(row, step, session_hash)
        counts = session.connection().exec_driver_sql(_COUNTS, {"job": job_id}).one()
        job.input_count, job.output_count, job.output_bytes = counts.inputs, counts.outputs, counts.output_bytes
        job.code_count, job.dropped_count = counts.code, counts.dropped
        if counts.inputs:
            job.inputs.extend(_files(session, _INPUTS, job_id, "data"))
        if counts.outputs:
            job.outputs.extend(_files(session, _OUTPUTS, job_id, "data"))
        if counts.code:
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
