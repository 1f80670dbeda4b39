"""Sessions as messages."""

from __future__ import annotations

from roar_proto.v1 import sessions_pb2 as pb
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from roard.db.tables import JobRow, SessionRow, StepRow
from roard.project import Project
from roard.query.find import find_session
from roard.query.job_parts import Wanted
from roard.query.summaries import add_jobs


def get_session(project: Project, ref: str) -> pb.GetSessionResponse:
    """Returns a session and its jobs in short; an empty ref is the active one.

    Raises SessionNotFound, BadReference, AmbiguousReference.
    """
    with project.store.read() as session:
        session_id = find_session(session, ref.encode("utf-8", "surrogateescape"))
        response = pb.GetSessionResponse(session=load_session(session, session_id))
        add_jobs(session, response, jobs_of(session_id))
        return response


def jobs_of(session_id: int) -> Wanted:
    """Selects the ids of all jobs of a session. Index: ix_job_step."""
    jobs = select(JobRow.id).join(StepRow, JobRow.step_id == StepRow.id)
    return jobs.where(StepRow.session_id == session_id)


def list_sessions(project: Project) -> pb.ListSessionsResponse:
    """Returns all sessions, newest first. Three statements, whatever their number."""
    with project.store.read() as session:
        return pb.ListSessionsResponse(sessions=reversed(_load(session, None)))


def load_session(session: Session, session_id: int) -> pb.Session:
    """Returns one session; four statements."""
    (found,) = _load(session, session_id)
    found.number = session.scalar(select(func.count()).where(SessionRow.id <= session_id)) or 0
    return found


def _load(session: Session, only: int | None) -> list[pb.Session]:
    """Returns one session, or all, oldest first and with their numbers."""
    rows = select(SessionRow).order_by(SessionRow.id)
    steps = select(StepRow.session_id, StepRow.kind, func.count()).group_by(StepRow.session_id, StepRow.kind)
    columns = select(StepRow.session_id, func.count(JobRow.id), func.max(JobRow.started_at_ns))
    jobs = columns.join(JobRow, JobRow.step_id == StepRow.id)
    jobs = jobs.group_by(StepRow.session_id)
    if only is not None:
        rows, steps, jobs = (
            rows.where(SessionRow.id == only),
            steps.where(StepRow.session_id == only),
            jobs.where(StepRow.session_id == only),
        )
    of_kind = {(session_id, kind): number for session_id, kind, number in session.execute(steps)}
    of_session = {session_id: (number, last) for session_id, number, last in session.execute(jobs)}
    return [
        pb.Session(
            hash=row.hash.hex(),
            created_at_ns=row.created_at_ns,
            active=row.active,
            run_steps=of_kind.get((row.id, "run"), 0),
            build_steps=of_kind.get((row.id, "build"), 0),
            jobs=of_session.get(row.id, (0, 0))[0],
            number=number,
            last_job_at_ns=of_session.get(row.id, (0, 0))[1],
        )
        for number, row in enumerate(session.scalars(rows), 1)
    ]
