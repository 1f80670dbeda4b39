"""How the project stands: steps, what is stale, files on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from roar_proto.v1 import sessions_pb2 as pb
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from roard.db.tables import ArtifactRow, InputRow, JobRow, OutputRow, StepRow
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
    in_order = [files[path] for path in sorted(files)]
    return pb.GetProjectStatusResponse(session=graph.session, steps=graph.dag_steps(disk), files=in_order)


def _tracked(session: Session, session_id: int) -> Mapping[bytes, pb.TrackedFile]:
    """Returns every data file of the session with the content that the newest job left or found there."""
    files: dict[bytes, pb.TrackedFile] = {}
    written_by: dict[bytes, int] = {}
    for use in _newest_uses(session, session_id, OutputRow):
        files[use.path] = pb.TrackedFile(path=use.path, hash=use.digest, size=use.size, step=use.step)
        written_by[use.path] = use.job
    for use in _newest_uses(session, session_id, InputRow):
        if use.job > written_by.get(use.path, 0):
            # The step that wrote the file stays; what a later job found there may be somebody's edit.
            made_by = files[use.path].step if use.path in files else ""
            files[use.path] = pb.TrackedFile(path=use.path, hash=use.digest, size=use.size, step=made_by)
    return files


@dataclass(frozen=True, slots=True)
class _Use:
    """The use of a path by the newest job that read, or wrote, it."""

    path: bytes
    job: int
    digest: bytes
    size: int
    step: str


def _newest_uses(session: Session, session_id: int, table: type[OutputRow | InputRow]) -> Iterator[_Use]:
    newest = (
        select(table.path, func.max(table.job_id).label("job_id"))
        .join(JobRow, table.job_id == JobRow.id)
        .join(StepRow, JobRow.step_id == StepRow.id)
        .where(StepRow.session_id == session_id, table.role == "data")
        .group_by(table.path)
        .subquery()
    )
    statement = (
        select(table.path, table.job_id, ArtifactRow.hash, table.size, StepRow.kind, StepRow.number)
        .join(newest, (newest.c.path == table.path) & (newest.c.job_id == table.job_id))
        .join(JobRow, table.job_id == JobRow.id)
        .join(StepRow, JobRow.step_id == StepRow.id)
        .outerjoin(ArtifactRow, table.artifact_id == ArtifactRow.id)
    )
    for path, job_id, digest, size, kind, number in session.execute(statement):
        yield _Use(path, job_id, digest or b"", size, step_label(kind, number))
