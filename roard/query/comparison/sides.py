"""The two things that are compared, the jobs behind each, and which of them are counterparts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from roar_proto.v1 import diff_pb2 as pb
from roar_proto.v1 import lineage_pb2
from sqlalchemy import select
from sqlalchemy.orm import Session

from roard.db.tables import JobRow, OutputRow, StepRow
from roard.project import Project
from roard.query.comparison.pairs import Candidate, Pair, pair
from roard.query.find import JobTarget, SessionTarget, find
from roard.query.jobs import load_jobs
from roard.query.lineage import Link, start_of, these, walk
from roard.query.session_graph import latest_jobs
from roard.query.sessions import load_session


@dataclass(frozen=True)
class Side:
    """One of the two things that are compared, and the jobs behind it."""

    message: pb.DiffSide
    jobs: list[int]
    """Nearest first; of a session by step."""
    links: list[Link]
    start: int | None
    """The job itself, or the one that made the artifact."""


def side(project: Project, session: Session, request: pb.DiffRequest, ref: bytes) -> Side:
    """Returns what a reference names, and the jobs behind it. Raises as find()."""
    target = find(session, project.root, lineage_pb2.ResolveRequest(ref=ref, cwd=request.cwd, kind=request.kind))
    if isinstance(target, SessionTarget):
        jobs = _by_step(session, target.id)
        upstream = walk(session, jobs, depth=1)
        return Side(pb.DiffSide(session=load_session(session, target.id)), jobs, upstream.links, None)
    start = start_of(project, session, target)
    upstream = walk(session, start.jobs, request.depth)
    first = start.jobs[0] if start.jobs else None
    if isinstance(target, JobTarget):
        (job,) = load_jobs(session, select(JobRow.id).where(JobRow.id == target.id))
        return Side(pb.DiffSide(job=job), upstream.jobs, upstream.links, first)
    artifact = lineage_pb2.Artifact(hash=start.content.digest, size=start.content.size, path=start.path)
    return Side(pb.DiffSide(artifact=artifact), upstream.jobs, upstream.links, first)


def _by_step(session: Session, session_id: int) -> list[int]:
    """Returns the latest job of each step, build steps first."""
    jobs = select(JobRow.id).join(StepRow, JobRow.step_id == StepRow.id).where(JobRow.id.in_(latest_jobs(session_id)))
    return list(session.scalars(jobs.order_by(StepRow.kind, StepRow.number)))


def pairs_of(session: Session, a: Side, b: Side) -> list[Pair]:
    """Returns every job of both sides with its counterpart."""
    candidates = _candidates(session, {*a.jobs, *b.jobs})
    side_a, side_b = [candidates[job] for job in a.jobs], [candidates[job] for job in b.jobs]
    start = Pair(a.start, b.start)
    if a.message.HasField("job"):
        return pair(side_a, side_b, start)
    found = pair(side_a, side_b)
    alone = {Pair(a.start, None), Pair(None, b.start)} <= set(found)
    # What made two files is compared, also when it is not the same step.
    return pair(side_a, side_b, start) if alone and a.start and b.start else found


def _candidates(session: Session, ids: Iterable[int]) -> dict[int, Candidate]:
    """Returns what jobs are paired by. Two statements."""
    wanted = list(ids)
    outputs: dict[int, set[bytes]] = {}
    written = select(OutputRow.job_id, OutputRow.path).where(OutputRow.job_id.in_(these(wanted)))
    for job_id, path in session.execute(written.where(OutputRow.role == "data")):
        outputs.setdefault(job_id, set()).add(path)
    steps = select(JobRow.id, StepRow.id, StepRow.kind, StepRow.shape).join(StepRow, JobRow.step_id == StepRow.id)
    return {
        job_id: Candidate(job_id, step_id, (kind, shape), frozenset(outputs.get(job_id, ())))
        for job_id, step_id, kind, shape in session.execute(steps.where(JobRow.id.in_(these(wanted))))
    }
