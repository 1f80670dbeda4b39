"""What the beginning of a reference may become: steps, jobs and sessions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from roar_proto.v1 import completion_pb2 as pb
from sqlalchemy import select
from sqlalchemy.orm import Session

from roard.db.tables import JobRow, SessionRow, StepRow
from roard.project import Project

MOST = 100
SESSION_DIGITS = 12
"""Of a session's hash: as `roar status` shows it."""


def references(project: Project, prefix: str) -> list[pb.Candidate]:
    """Returns the references that begin so, steps before jobs before sessions, the newest first of each."""
    with project.store.read() as session:
        if not prefix or prefix.startswith("@"):
            return [candidate for candidate in _steps(session) if candidate.text.startswith(prefix)][:MOST]
        if re.fullmatch(r"[0-9a-f]{1,64}", prefix):
            return [*_jobs(session, prefix), *_sessions(session, prefix)][:MOST]
    return []


def session_hashes(project: Project, prefix: str) -> list[pb.Candidate]:
    """Returns the sessions whose hash begins so, the newest first."""
    with project.store.read() as session:
        return [*_sessions(session, prefix)][:MOST]


def _steps(session: Session) -> Iterator[pb.Candidate]:
    """One statement, index ix_step_number."""
    active = select(SessionRow.id).where(SessionRow.active).scalar_subquery()
    steps = select(StepRow.kind, StepRow.number, StepRow.name).where(StepRow.session_id == active)
    rows = session.execute(steps.order_by(StepRow.kind.desc(), StepRow.number.desc())).all()
    if rows:
        yield pb.Candidate(text="@-1", about="the newest job")
    for kind, number, name in rows:
        yield pb.Candidate(text=f"@{'B' if kind == 'build' else ''}{number}", about=name)


def _jobs(session: Session, prefix: str) -> Iterator[pb.Candidate]:
    """One statement, index jobs.uid; what follows every id that begins so is the prefix with a letter behind f."""
    jobs = select(JobRow.uid, JobRow.command).where(JobRow.uid >= prefix, JobRow.uid < prefix + "g")
    for uid, command in session.execute(jobs.order_by(JobRow.uid).limit(MOST)):
        yield pb.Candidate(text=uid, about=command)


def _sessions(session: Session, prefix: str) -> Iterator[pb.Candidate]:
    """One statement; there are few sessions."""
    for digest, active in session.execute(select(SessionRow.hash, SessionRow.active).order_by(SessionRow.id.desc())):
        if digest.hex().startswith(prefix):
            text = digest.hex()[: max(SESSION_DIGITS, len(prefix))]
            yield pb.Candidate(text=text, about="the active session" if active else "an old session")
