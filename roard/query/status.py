"""How the project stands: steps, what is stale, files on disk."""

from __future__ import annotations

from roar_proto.v1 import sessions_pb2 as pb
from sqlalchemy import select
from sqlalchemy.orm import Session

from roard.db.tables import ArtifactRow, SessionFileRow, StepRow
from roard.project import Project
from roard.query.disk import look, state_of
from roard.query.find import find_session
from roard.query.jobs import step_label
from roard.query.session_graph import load_graph


def project_status(project: Project) -> pb.GetProjectStatusResponse:
    """Returns the active session compared with the disk; runs in flight are the caller's to add."""
    with project.store.read() as session:
        session_id = find_session(session, b"")
        graph = load_graph(session, session_id)
        files = _tracked(session, session_id)
    sizes = {path: {file.size} for path, file in files.items()}
    for path, known in graph.sizes.items():
        sizes.setdefault(path, set()).update(known)
    disk = look(project, sizes)
    for path, file in files.items():
        file.state = state_of(file.hash, disk[path])
    return pb.GetProjectStatusResponse(session=graph.session, steps=graph.dag_steps(disk), files=files.values())


def _tracked(session: Session, session_id: int) -> dict[bytes, pb.TrackedFile]:
    """Returns every data file of the session, by path, with the content that the newest job left or found there."""
    statement = (
        select(SessionFileRow.path, ArtifactRow.hash, SessionFileRow.size, StepRow.kind, StepRow.number)
        .outerjoin(ArtifactRow, SessionFileRow.artifact_id == ArtifactRow.id)
        .outerjoin(StepRow, SessionFileRow.step_id == StepRow.id)
        .where(SessionFileRow.session_id == session_id)
        .order_by(SessionFileRow.path)
    )
    return {
        path: pb.TrackedFile(path=path, hash=digest or b"", size=size, step=step_label(kind, number) if kind else "")
        for path, digest, size, kind, number in session.connection().execute(statement).all()
    }
