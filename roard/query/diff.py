"""What two jobs, artifacts or sessions differ in, with the jobs behind them.

First everything is read from the database, in a number of statements that does not depend on the number of jobs; then,
outside of the transaction, contents are looked for on disk and in git.
"""

from __future__ import annotations

from collections.abc import Iterator

from roar_proto.v1 import diff_pb2 as pb
from roar_proto.v1 import lineage_pb2
from sqlalchemy import select
from sqlalchemy.orm import Session

from roard.db.tables import ArtifactRow, InputRow, OutputRow
from roard.errors import NotComparable, shown
from roard.project import Project
from roard.query.comparison.contents import Contents, open_contents
from roard.query.comparison.figures import compare_values, files_with_values
from roard.query.comparison.files import file_change
from roard.query.comparison.jobs import job_diff, load
from roard.query.comparison.patches import commit_ranges, mark_dirty, patches
from roard.query.comparison.sides import Side, pairs_of, side

MOST_COMPARED = 500
"""Jobs that are compared with their counterpart, the nearest first."""
MOST_SOUGHT = 1000
"""Contents that are looked for at all paths where they were seen, not only at their own."""


def diff(project: Project, request: pb.DiffRequest) -> pb.DiffResponse:
    """Returns what two things differ in.

    Raises NotComparable when they are of different kinds, JobNotFound, SessionNotFound, ArtifactNotFound, BadReference,
    AmbiguousReference.
    """
    with project.store.read() as session:
        a = side(project, session, request, request.a)
        b = side(project, session, request, request.b)
        _check_kinds(a, b, request)
        pairs = pairs_of(session, a, b)
        different = [one for one in pairs if one.a != one.b]
        compared = different[:MOST_COMPARED]
        loaded = load(session, compared, [*a.links, *b.links])
        response = pb.DiffResponse(a=a.message, b=b.message)
        response.jobs.extend(job for one in compared if (job := job_diff(one, loaded)))
        if a.message.HasField("artifact") and (own := _own_file(a.message.artifact, b.message.artifact)):
            response.file.CopyFrom(own)
        contents = open_contents(project)
        contents.places = _places(session, response)
    response.same_jobs = len(pairs) - len(different) + len(compared) - len(response.jobs)
    response.identical = _is_identical(response)
    if len(compared) < len(different):
        response.notes.append(f"{len(different) - len(compared):,} more jobs upstream are not compared")
    _look_into_files(contents, response, with_patches=not request.without_patches)
    return response


def _check_kinds(a: Side, b: Side, request: pb.DiffRequest) -> None:
    kinds = [side.message.WhichOneof("target") or "" for side in (a, b)]
    if kinds[0] != kinds[1]:
        raise NotComparable((shown(request.a), kinds[0]), (shown(request.b), kinds[1]))


def _own_file(a: lineage_pb2.Artifact, b: lineage_pb2.Artifact) -> pb.FileChange | None:
    if a.hash and a.hash == b.hash:
        return None
    change = file_change(a.path, (a.hash, a.size), (b.hash, b.size))
    change.path_b = b.path if b.path != a.path else b""
    return change


def _is_identical(response: pb.DiffResponse) -> bool:
    if response.a.HasField("session"):
        return response.a.session.hash == response.b.session.hash
    if response.a.HasField("artifact"):
        return bool(response.a.artifact.hash) and response.a.artifact.hash == response.b.artifact.hash
    themselves = [job for job in response.jobs if job.a.uid == response.a.job.uid]
    return not any(job.parameters or job.code or job.inputs or job.outputs for job in themselves)


def _places(session: Session, response: pb.DiffResponse) -> dict[bytes, list[bytes]]:
    """Returns where the contents that are to be looked into were also seen, by digest. Two statements."""
    digests = [d for change in _of_interest(response) for d in (change.hash_a, change.hash_b) if d]
    found: dict[bytes, list[bytes]] = {}
    wanted = digests[:MOST_SOUGHT]
    tables: tuple[type[InputRow | OutputRow], ...] = (OutputRow, InputRow)
    for table in tables:
        seen = select(ArtifactRow.hash, table.path).join(ArtifactRow, table.artifact_id == ArtifactRow.id)
        for digest, path in session.execute(seen.where(ArtifactRow.hash.in_(wanted)).distinct()):
            found.setdefault(digest, []).append(path)
    return found


def _of_interest(response: pb.DiffResponse) -> Iterator[pb.FileChange]:
    """Yields the files whose contents are wanted."""
    yield from files_with_values(response)
    for job in response.jobs:
        yield from job.code


def _look_into_files(contents: Contents, response: pb.DiffResponse, *, with_patches: bool) -> None:
    """Adds what needs contents: values, marks of uncommitted code, commits, patches."""
    sides = [job for diff_ in response.jobs for job in (diff_.a, diff_.b)]
    contents.commits = list(dict.fromkeys(job.git.commit for job in sides if job.git.commit))
    compare_values(contents, response)
    for job in response.jobs:
        if job.HasField("a") and job.HasField("b"):
            mark_dirty(contents, job)
    response.commits.extend(commit_ranges(contents, response.jobs))
    if with_patches:
        response.patches.extend(patches(contents, response.jobs))
    if contents.problem:
        response.notes.append(f"git could not be read: {contents.problem}")
