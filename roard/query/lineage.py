"""Everything upstream of an artifact or a job, over all sessions."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from roar_proto.v1 import jobs_pb2
from roar_proto.v1 import lineage_pb2 as pb
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from roard.db.tables import ArtifactRow, InputRow, JobRow, OutputRow
from roard.errors import BadReference, shown
from roard.project import Project
from roard.query import job_parts
from roard.query.artifacts import Content
from roard.query.find import ArtifactTarget, JobTarget, PathTarget, SessionTarget, find
from roard.query.graph import is_above
from roard.query.jobs import load_jobs
from roard.query.resolve import path_content


class Link(NamedTuple):
    """A file that one job made and another read."""

    producer: int
    consumer: int
    path: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Start:
    """Where the walk begins."""

    content: Content
    path: bytes
    """Empty: asked for by hash and never seen under a name."""
    jobs: list[int]
    """One at most; none: nothing recorded made it."""


@dataclass(frozen=True, slots=True)
class Walk:
    """What lies upstream."""

    jobs: list[int]
    """By distance."""
    links: list[Link]
    """Into these jobs; from jobs beyond them when it is truncated."""
    truncated: bool


def get_lineage(project: Project, request: pb.GetLineageRequest) -> pb.GetLineageResponse:
    """Returns the jobs upstream of what a reference names, nearest first, and the files that connect them.

    Raises JobNotFound, ArtifactNotFound, BadReference, AmbiguousReference.
    """
    with project.store.read() as session:
        target = find(session, project.root, request)
        if isinstance(target, SessionTarget):
            raise BadReference(shown(request.ref), "it names a session, and lineage is that of a file or a job")
        start = start_of(project, session, target)
        upstream = walk(session, start.jobs, request.depth)
        jobs = _load(session, upstream.jobs)
        uids = _uids(session, {*upstream.jobs, *(link.producer for link in upstream.links)})
    response = pb.GetLineageResponse(
        hash=start.content.digest,
        path=start.path,
        size=start.content.size,
        jobs=jobs,
        truncated=upstream.truncated,
    )
    for producer, consumer, path, digest in _acyclic(upstream.links):
        response.edges.add(producer=uids[producer], consumer=uids[consumer], path=path, hash=digest)
    return response


def start_of(project: Project, session: Session, target: JobTarget | ArtifactTarget | PathTarget) -> Start:
    """Returns a job, or the content that a reference names and the job that made it."""
    match target:
        case JobTarget(job_id):
            return Start(Content(None, b"", 0), b"", [job_id])
        case ArtifactTarget(artifact_id):
            return _start_at_artifact(session, artifact_id)
        case PathTarget(path):
            content = path_content(project, session, path).content
            made = OutputRow.artifact_id == content.artifact if content.artifact is not None else OutputRow.path == path
            # The same content may have been made at several places: the one asked for first.
            newest = select(OutputRow.job_id).where(made).order_by((OutputRow.path == path).desc())
            made_by = session.scalars(newest.order_by(OutputRow.job_id.desc()).limit(1))
            return Start(content, path, list(made_by))


def _start_at_artifact(session: Session, artifact_id: int) -> Start:
    row = session.get_one(ArtifactRow, artifact_id)
    made = select(OutputRow.job_id, OutputRow.path).where(OutputRow.artifact_id == artifact_id)
    newest = session.execute(made.order_by(OutputRow.job_id.desc(), OutputRow.path).limit(1)).first()
    content = Content(artifact_id, row.hash, row.size)
    if newest is not None:
        return Start(content, newest.path, [newest.job_id])
    read = select(InputRow.path).where(InputRow.artifact_id == artifact_id).order_by(InputRow.job_id.desc()).limit(1)
    return Start(content, session.scalar(read) or b"", [])


def walk(session: Session, start: Collection[int], depth: int) -> Walk:
    """Returns what lies upstream of jobs, at most `depth` jobs far; 0 is no limit. One statement a level."""
    seen = list(start)
    frontier = list(seen)
    links: list[Link] = []
    level = 1
    while frontier:
        found = _links_into(session, frontier)
        links += found
        frontier = sorted({link.producer for link in found} - set(seen), reverse=True)
        if frontier and level == depth:
            return Walk(seen, links, truncated=True)
        seen += frontier
        level += 1
    return Walk(seen, links, truncated=False)


def _uids(session: Session, ids: Iterable[int]) -> dict[int, str]:
    rows = session.execute(select(JobRow.id, JobRow.uid).where(JobRow.id.in_(these(ids))))
    return {row.id: row.uid for row in rows}


# By content: the newest job before the reader that made it at that path; else one recorded later that was already
# running then; else the newest before it that made the same content elsewhere (a file that was moved by hand), but not
# for empty files, which are all alike. Content that nobody knows goes by the path alone. Each look goes to its place in
# an index that ends with job_id, and stops at the first row. Which job happened to write the cache of compiled Python
# says nothing about where results come from.
_MADE = "(SELECT o.job_id FROM outputs AS o INDEXED BY ix_output_artifact"
_MADE_AT = "(SELECT o.job_id FROM outputs AS o INDEXED BY ix_output_path"
_NEWEST = "ORDER BY o.job_id DESC LIMIT 1)"
_LINKS = f"""
SELECT * FROM (
  SELECT
    CASE WHEN i.artifact_id IS NULL THEN
      {_MADE_AT} WHERE o.path = i.path AND o.job_id < i.job_id {_NEWEST}
    ELSE coalesce(
      {_MADE} WHERE o.artifact_id = i.artifact_id AND o.path = i.path AND o.job_id < i.job_id {_NEWEST},
      {_MADE} JOIN jobs AS producer ON producer.id = o.job_id
       WHERE o.artifact_id = i.artifact_id AND o.path = i.path AND o.job_id > i.job_id
         AND producer.started_at_ns < consumer.started_at_ns + consumer.duration_ns {_NEWEST},
      {_MADE} WHERE o.artifact_id = i.artifact_id AND o.job_id < i.job_id AND i.size > 0 {_NEWEST})
    END AS made_by, i.job_id, i.path, artifacts.hash
  FROM json_each(?) AS wanted
  CROSS JOIN jobs AS consumer ON consumer.id = wanted.value
  CROSS JOIN inputs AS i ON i.job_id = consumer.id
  LEFT JOIN artifacts ON artifacts.id = i.artifact_id
  WHERE i.role = 'data' OR substr(i.path, -4) <> x'2e707963')
WHERE made_by IS NOT NULL
"""  # noqa: S608  # of the texts above


def _links_into(session: Session, consumers: Collection[int]) -> list[Link]:
    """Returns what made each file that these jobs read; a root input has no link. One statement."""
    rows = session.connection().exec_driver_sql(_LINKS, (json.dumps(list(consumers)),)).all()
    return [Link(made_by, job_id, path, digest or b"") for made_by, job_id, path, digest in rows]


def these(ids: Iterable[int]) -> Select[int]:
    """Selects given ids, any number of them: a list of bound values is limited."""
    return select(func.json_each(json.dumps(list(ids))).table_valued("value").c.value)


def _acyclic(links: list[Link]) -> list[Link]:
    """Returns the links without those that close a circle: two jobs that ran at once may have fed each other."""
    in_order = sorted(links, key=attrgetter("consumer", "path"))
    backward = [link for link in in_order if link.producer > link.consumer]
    if not backward:
        return in_order
    kept = [link for link in in_order if link.producer < link.consumer]
    parents: dict[int, set[int]] = {}
    for link in kept:
        parents.setdefault(link.consumer, set()).add(link.producer)
    for link in backward:
        if not is_above(parents, link.consumer, link.producer):
            parents.setdefault(link.consumer, set()).add(link.producer)
            kept.append(link)
    return kept


def _load(session: Session, ordered: list[int]) -> list[jobs_pb2.Job]:
    """Returns the jobs in the order given, with their data files."""
    wanted = these(ordered)
    jobs = {job.sequence: job for job in load_jobs(session, wanted)}
    job_parts.add_files(session, jobs, wanted, code=False)
    return [jobs[job_id] for job_id in ordered]
