"""Sessions as messages."""

from __future__ import annotations

from roar_proto.v1 import sessions_pb2 as pb
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from roard.db.tables import JobRow, SessionRow, StepRow
from roard.project import Project
from roard.query.find import find_session
from roard.query.job_parts import Wanted
from roard.query.jobs import load_jobs


def get_session(project: Project, ref: str) -> pb.GetSessionResponse:
    """Returns a session and its jobs without their files; an empty ref is the active one.

    Raises SessionNotFound, BadReference, AmbiguousReference.
    """
    with project.store.read() as session:
        session_id = find_session(session, ref.encode("utf-8", "surrogateescape"))
        jobs = load_jobs(session, jobs_of(session_id))
        return pb.GetSessionResponse(session=load_session(session, session_id), jobs=jobs)


def jobs_of(session_id: int) -> Wanted:
    """Selects the ids of all jobs of a session. Index: ix_job_step."""
    jobs = select(JobRow.id).join(StepRow, JobRow.step_id == StepRow.id)
    return jobs.where(StepRow.session_id == session_id)


def load_session(session: Session, session_id: int) -> pb.Session:
    """Returns one session; three statements."""
    row = session.get_one(SessionRow, session_id)
    steps = select(StepRow.kind, func.count()).where(StepRow.session_id == session_id).group_by(StepRow.kind)
    by_kind = dict(session.execute(steps).all())
    jobs = select(func.count()).select_from(JobRow).join(StepRow, JobRow.step_id == StepRow.id)
    return pb.Session(
        hash=row.hash.hex(),
        created_at_ns=row.created_at_ns,
        active=row.active,
        run_steps=by_kind.get("run", 0),
        build_steps=by_kind.get("build", 0),
        jobs=session.scalar(jobs.where(StepRow.session_id == session_id)) or 0,
        number=session.scalar(select(func.count()).where(SessionRow.id <= session_id)) or 0,
    )
