"""How the project stands: steps, what is stale, files on disk."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from roar_proto.v1 import sessions_pb2 as pb
from sqlalchemy import select
from sqlalchemy.orm import Session

from roard.db.tables import ArtifactRow, SessionFileRow, StepRow
from roard.project import Project
from roard.query.disk import look, state_of
from roard.query.find import find_session
from roard.query.jobs import step_label
from roard.query.session_graph import SessionGraph, load_graph


@dataclass(frozen=True, slots=True)
class _Recorded:
    """The active session, as far as the database knows it."""

    graph: SessionGraph
    answer: pb.GetProjectStatusResponse
    """With the files, by path, whose states are not known yet: a copy takes half the time of making it again."""
    digests: Sequence[tuple[bytes, bytes]]
    """Of these files, in their order: path and digest."""
    sizes: Mapping[bytes, Collection[int]]
    """Of all contents that are to be compared with the disk, by path."""


def project_status(project: Project) -> pb.GetProjectStatusResponse:
    """Returns the active session compared with the disk; runs in flight are the caller's to add."""
    recorded = project.store.recall("status", _load)
    disk = look(project, recorded.sizes)
    response = pb.GetProjectStatusResponse()
    response.CopyFrom(recorded.answer)
    response.steps.extend(recorded.graph.dag_steps(disk))
    for file, (path, digest) in zip(response.files, recorded.digests, strict=True):
        file.state = state_of(digest, disk[path])
    return response


def _load(session: Session) -> _Recorded:
    session_id = find_session(session, b"")
    graph = load_graph(session, session_id)
    files = _files(session, session_id)
    sizes = {file.path: {file.size} for file in files}
    for path, known in graph.sizes.items():
        sizes.setdefault(path, set()).update(known)
    answer = pb.GetProjectStatusResponse(session=graph.session, files=files)
    return _Recorded(graph, answer, [(file.path, file.hash) for file in files], sizes)


def _files(session: Session, session_id: int) -> list[pb.TrackedFile]:
    """Returns every data file of the session, by path, with the content that the newest job left or found there."""
    statement = (
        select(SessionFileRow.path, ArtifactRow.hash, SessionFileRow.size, StepRow.kind, StepRow.number)
        .outerjoin(ArtifactRow, SessionFileRow.artifact_id == ArtifactRow.id)
        .outerjoin(StepRow, SessionFileRow.step_id == StepRow.id)
        .where(SessionFileRow.session_id == session_id)
        .order_by(SessionFileRow.path)
    )
    return [
        pb.TrackedFile(path=path, hash=digest or b"", size=size, step=step_label(kind, number) if kind else "")
        for path, digest, size, kind, number in session.connection().execute(statement).all()
    ]
