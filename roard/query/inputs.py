"""What something was made from: the data files that its jobs, and all jobs before them, read."""

from __future__ import annotations

from dataclasses import dataclass, field

from roar_proto.v1 import lineage_pb2 as pb
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from roard.db.tables import ArtifactRow, InputRow, JobRow, SessionRow, StepRow
from roard.project import Project
from roard.query.find import JobTarget, SessionTarget, find, find_session
from roard.query.jobs import step_label
from roard.query.lineage import Walk, start_of, these, walk
from roard.query.session_graph import latest_jobs


@dataclass(frozen=True, slots=True)
class _Job:
    """What is told of a job that made or read a file."""

    uid: str
    step: str


@dataclass(slots=True)
class _File:
    """A content that was read at a path."""

    size: int
    note: str
    is_root: bool = False
    """Some job read it that had it from no job."""
    producers: set[int] = field(default_factory=set)
    consumers: set[int] = field(default_factory=set)


def get_inputs(project: Project, request: pb.GetInputsRequest) -> pb.GetInputsResponse:
    """Returns the root inputs of what a reference names, or what its job read, or every file upstream.

    Raises JobNotFound, SessionNotFound, ArtifactNotFound, BadReference, AmbiguousReference.
    """
    direct = request.scope == pb.INPUT_SCOPE_DIRECT
    with project.store.read() as session:
        response, start = _start(project, session, request)
        upstream = walk(session, start, depth=1 if direct else 0)
        files = _files(session, upstream)
        if request.scope == pb.INPUT_SCOPE_UNSPECIFIED:
            files = {key: file for key, file in files.items() if file.is_root}
        jobs = _jobs(session, {job for file in files.values() for job in file.producers | file.consumers})
    response.jobs = len(upstream.jobs)
    response.inputs.extend(_message(*key, file, jobs) for key, file in sorted(files.items()))
    return response


def _start(project: Project, session: Session, request: pb.GetInputsRequest) -> tuple[pb.GetInputsResponse, list[int]]:
    """Returns an answer that says what was asked for, and the jobs to begin with."""
    target = find(session, project.root, request) if request.ref else SessionTarget(find_session(session, b""))
    if isinstance(target, SessionTarget):
        digest = session.get_one(SessionRow, target.id).hash
        return pb.GetInputsResponse(session=digest.hex()), list(session.scalars(latest_jobs(target.id)))
    if isinstance(target, JobTarget):
        return pb.GetInputsResponse(job=session.get_one(JobRow, target.id).uid), [target.id]
    start = start_of(project, session, target)
    artifact = pb.Artifact(hash=start.content.digest, size=start.content.size, path=start.path)
    return pb.GetInputsResponse(artifact=artifact), start.jobs


def _files(session: Session, upstream: Walk) -> dict[tuple[bytes, bytes], _File]:
    """Returns what the jobs read, by path and digest. One statement.

    The same content at the same path is one file, also when one job read it before another made it again.
    """
    made_by = {(link.consumer, link.path): link.producer for link in upstream.links}
    columns = select(
        InputRow.job_id, InputRow.path, func.coalesce(ArtifactRow.hash, b""), InputRow.size, InputRow.hash_note
    )
    data = columns.outerjoin(ArtifactRow).where(InputRow.job_id.in_(these(upstream.jobs)), InputRow.role == "data")
    files: dict[tuple[bytes, bytes], _File] = {}
    for job_id, path, digest, size, note in session.execute(data):
        file = files.setdefault((path, digest), _File(size, note))
        file.consumers.add(job_id)
        if (job_id, path) in made_by:
            file.producers.add(made_by[job_id, path])
        else:
            file.is_root = True
    return files


def _jobs(session: Session, ids: set[int]) -> dict[int, _Job]:
    columns = select(JobRow.id, JobRow.uid, StepRow.kind, StepRow.number).join(StepRow, JobRow.step_id == StepRow.id)
    rows = session.execute(columns.where(JobRow.id.in_(these(ids))))
    return {row.id: _Job(row.uid, step_label(row.kind, row.number)) for row in rows}


def _message(path: bytes, digest: bytes, file: _File, jobs: dict[int, _Job]) -> pb.InputFile:
    maker = jobs[max(file.producers)] if file.producers else _Job("", "")
    return pb.InputFile(
        path=path,
        hash=digest,
        size=file.size,
        hash_note=file.note,
        producer=maker.uid,
        producer_step=maker.step,
        consumers=[jobs[job].uid for job in sorted(file.consumers)],
    )
