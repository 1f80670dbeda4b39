"""Sessions and their steps."""

from __future__ import annotations

from collections.abc import Iterable

from blake3 import blake3
from sqlalchemy import Select, bindparam, exists, func, insert, select, update
from sqlalchemy.orm import Session

from roard.db.tables import JobRow, OutputRow, SessionRow, StepRow
from roard.model import JobFacts, Shape, StepCandidate

_HASH_CONTEXT = "roar session content 1"

# Statements are built once: building one takes twice as long as running it.
_ACTIVE = select(SessionRow.id).where(SessionRow.active)
_HAS_STEPS = select(exists().where(StepRow.session_id == bindparam("session")))
_OF_KIND = (StepRow.session_id == bindparam("session")) & (StepRow.kind == bindparam("kind"))
# Of the step in the statement around it. Index: ix_job_step.
_LATEST_JOB = select(func.max(JobRow.id)).where(JobRow.step_id == StepRow.id).correlate(StepRow).scalar_subquery()
_WITH_LATEST = select(StepRow.id, JobRow.id, JobRow.argv, JobRow.cwd).join(JobRow, JobRow.id == _LATEST_JOB)
_STEPS_OF_SHAPE = _WITH_LATEST.where(_OF_KIND, StepRow.shape == bindparam("shape")).order_by(StepRow.number)
_NAMED_STEPS = _WITH_LATEST.where(
    _OF_KIND, StepRow.named, JobRow.argv == bindparam("argv"), JobRow.cwd == bindparam("cwd")
).order_by(StepRow.number)
_STEP_OF_JOB = (
    select(StepRow.id).join(JobRow, JobRow.step_id == StepRow.id).where(_OF_KIND, JobRow.uid == bindparam("uid"))
)
_DATA_OUTPUTS = select(OutputRow.path).where(OutputRow.job_id == bindparam("job"), OutputRow.role == "data")
_LAST_NUMBER = select(func.max(StepRow.number)).where(_OF_KIND)
_ADD_STEP = insert(StepRow).returning(StepRow.id)
_CONTENT = (
    select(StepRow.kind, StepRow.number, StepRow.shape, JobRow.content_hash)
    .join(JobRow, JobRow.id == _LATEST_JOB)
    .where(StepRow.session_id == bindparam("session"))
    .order_by(StepRow.kind, StepRow.number)
)
_SET_HASH = "UPDATE sessions SET hash = ? WHERE id = ?"


def find_active(session: Session) -> int | None:
    """Returns the active session. Index: ix_session_active."""
    return session.scalar(_ACTIVE)


def active_session(session: Session, now_ns: int) -> int:
    """Returns the active session; opens one when there is none."""
    active = find_active(session)
    return _open_session(session, now_ns) if active is None else active


def reset(session: Session, now_ns: int) -> tuple[int, int]:
    """Closes the active session and opens another; returns both. An empty one stays and is both."""
    closed = active_session(session, now_ns)
    if not session.scalar(_HAS_STEPS, {"session": closed}):
        return closed, closed
    session.execute(update(SessionRow).where(SessionRow.id == closed).values(active=False))
    return closed, _open_session(session, now_ns)


def use(session: Session, session_id: int, now_ns: int) -> int:
    """Makes a session the active one, and returns the one that was."""
    closed = active_session(session, now_ns)
    # One after the other: no two may be active at any moment.
    session.execute(update(SessionRow).where(SessionRow.id == closed).values(active=False))
    session.execute(update(SessionRow).where(SessionRow.id == session_id).values(active=True))
    return closed


def steps_of_shape(session: Session, session_id: int, kind: str, shape: Shape) -> list[StepCandidate]:
    """Returns the steps of a shape by number, each with what its latest job was. Index: ix_step_shape."""
    return _candidates(session, _STEPS_OF_SHAPE, {"session": session_id, "kind": kind, "shape": shape.text})


def named_steps(session: Session, session_id: int, job: JobFacts) -> list[StepCandidate]:
    """Returns the steps with a name whose latest job was the same command, by number. Index: ix_step_number."""
    command = {"argv": b"\0".join(job.argv), "cwd": job.cwd}
    return _candidates(session, _NAMED_STEPS, {"session": session_id, "kind": job.kind, **command})


def _candidates(
    session: Session, steps: Select[int, int, bytes, bytes], wanted: dict[str, object]
) -> list[StepCandidate]:
    return [
        StepCandidate(step_id, argv.split(b"\0"), cwd, frozenset(session.scalars(_DATA_OUTPUTS, {"job": job_id})))
        for step_id, job_id, argv, cwd in session.execute(steps, wanted)
    ]


def step_of_job(session: Session, session_id: int, kind: str, uid: str) -> int | None:
    """Returns the step of a job, None when it is of another session or kind. Index: jobs.uid."""
    return session.scalar(_STEP_OF_JOB, {"session": session_id, "kind": kind, "uid": uid})


def add_step(session: Session, session_id: int, kind: str, shape: Shape, *, named: bool) -> int:
    """Inserts a step with the next number of its kind, and returns its id. Index: ix_step_number."""
    number = (session.scalar(_LAST_NUMBER, {"session": session_id, "kind": kind}) or 0) + 1
    row = {"session_id": session_id, "kind": kind, "number": number, "shape": shape.text, "name": shape.name}
    return session.execute(_ADD_STEP, {**row, "named": named}).scalar_one()


def update_hash(session: Session, session_id: int) -> None:
    """Writes the hash of a session anew: over its steps in order, each with the content of its latest job."""
    steps = session.execute(_CONTENT, {"session": session_id}).all()
    session.connection().exec_driver_sql(_SET_HASH, (session_hash(steps), session_id))


def session_hash(steps: Iterable[tuple[str, int, str, bytes]]) -> bytes:
    """Returns the content hash of a session: kind, number, shape and job content of every step."""
    hasher = blake3(derive_key_context=_HASH_CONTEXT)
    for kind, number, shape, content in steps:
        for part in (kind.encode(), str(number).encode(), shape.encode(), content):
            hasher.update(len(part).to_bytes(8, "little") + part)
    return hasher.digest()


def _open_session(session: Session, now_ns: int) -> int:
    row = insert(SessionRow).values(created_at_ns=now_ns, active=True, hash=session_hash([]))
    return session.execute(row.returning(SessionRow.id)).scalar_one()
