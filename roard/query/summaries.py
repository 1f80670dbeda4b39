"""All jobs of a session as messages, as lists show them: thousands, so what costs time is made once or not at all."""

from __future__ import annotations

from roar_proto.v1 import lineage_pb2, sessions_pb2
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from roard.db.tables import JobRow, StepRow
from roard.query import job_parts
from roard.query.jobs import KINDS, STATUSES, step_label

_JOBS = select(
    JobRow.id,
    JobRow.uid,
    StepRow.kind,
    StepRow.number,
    StepRow.name,
    JobRow.argv,
    JobRow.cwd,
    JobRow.status,
    JobRow.exit_code,
    JobRow.exit_signal,
    JobRow.started_at_ns,
    JobRow.duration_ns,
    JobRow.tracer,
    JobRow.events_lost,
    JobRow.input_count,
    JobRow.output_count,
    JobRow.output_bytes,
    JobRow.code_count,
    JobRow.dropped_count,
    JobRow.cached_from,
).join(StepRow, JobRow.step_id == StepRow.id)


def add_jobs(
    session: Session, view: lineage_pb2.SessionView | sessions_pb2.GetSessionResponse, wanted: Select[int]
) -> None:
    """Adds the jobs whose ids a statement selects, oldest first, with what SessionView says of them.

    Two statements, whatever their number; 6 us a job.
    """
    wanted = wanted.correlate(None)
    warnings = job_parts.warnings(session, wanted)
    rows = session.connection().execute(_JOBS.where(JobRow.id.in_(wanted)).order_by(JobRow.id)).all()
    for (
        sequence, uid, kind, number, step_name, argv, cwd, status, exit_code, exit_signal, started_at_ns, duration_ns,
        tracer, events_lost, input_count, output_count, output_bytes, code_count, dropped_count, cached_from
    ) in rows:  # fmt: skip
        # Unpacked: a row takes longer to find a column by name. Added in place: a message made before would be copied.
        job = view.jobs.add(
            sequence=sequence,
            uid=uid,
            step=step_label(kind, number),
            kind=KINDS[kind],
            step_name=step_name,
            argv=argv.split(b"\0"),
            cwd=cwd,
            status=STATUSES[status],
            exit_code=exit_code,
            exit_signal=exit_signal,
            started_at_ns=started_at_ns,
            duration_ns=duration_ns,
            tracer=tracer,
            events_lost=events_lost,
            input_count=input_count,
            output_count=output_count,
            output_bytes=output_bytes,
            code_count=code_count,
            dropped_count=dropped_count,
            cached_from=cached_from,
            complete=not events_lost,
        )
        if sequence in warnings:
            job_parts.set_warnings(job, warnings[sequence])
