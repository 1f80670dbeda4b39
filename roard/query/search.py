"""Finds jobs by their commands and files by their paths.

There is no index of words: the path indexes of inputs and outputs have every path, and reading them from end to end
takes 0.1 s a million uses. An index of trigrams answers in a millisecond, but takes 100 MB of those uses and makes the
recording of 30,000 new files 0.4 s longer.
"""

from __future__ import annotations

from collections.abc import Sequence

from roar_proto.v1 import lineage_pb2 as pb
from sqlalchemy import ColumnElement, Select, Text, and_, cast, func, or_, select, union_all
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import SQLCoreOperations

from roard.db.tables import ArtifactRow, InputRow, JobRow, OutputRow, StepRow
from roard.errors import BadRequest
from roard.project import Project
from roard.query.jobs import DEFAULT_LIMIT, MAX_LIMIT, load_jobs, step_label

_AT_ONCE = 200
"""Files whose details one statement asks for: an expression is at most 1000 deep."""


def search(project: Project, request: pb.SearchRequest) -> pb.SearchResponse:
    """Returns jobs and files whose command or path has all the words in it. Raises BadRequest without a word."""
    words = [word for word in request.words if word]
    if not words:
        raise BadRequest("nothing to search for")
    limit = min(request.limit or DEFAULT_LIMIT, MAX_LIMIT)
    with project.store.read() as session:
        matching = select(JobRow.id).where(_holds(JobRow.command, words))
        job_total = session.scalar(select(func.count()).select_from(matching.subquery())) or 0
        jobs = load_jobs(session, matching.order_by(JobRow.id.desc()).limit(limit))
        files, file_total = _files(session, words, limit)
    jobs.sort(key=lambda job: -job.sequence)
    return pb.SearchResponse(jobs=jobs, job_total=job_total, files=files, file_total=file_total)


def _holds(column: SQLCoreOperations[str], words: Sequence[str]) -> ColumnElement[bool]:
    """Returns the condition that all words are in a text; LIKE does not tell upper from lower case in ASCII."""
    return and_(*(column.like(f"%{_escaped(word)}%", escape="\\") for word in words))


def _escaped(word: str) -> str:
    for special in ("\\", "%", "_"):
        word = word.replace(special, f"\\{special}")
    return word


def _files(session: Session, words: Sequence[str], limit: int) -> tuple[list[pb.FoundFile], int]:
    """Returns the paths used last, and how many there are. Indexes: ix_output_path, ix_input_path, from end to end."""
    each = union_all(_uses(OutputRow, words), _uses(InputRow, words)).subquery()
    newest = func.max(each.c.job_id)
    found = select(each.c.path, newest, func.sum(each.c.uses), func.count().over()).group_by(each.c.path)
    rows = session.execute(found.order_by(newest.desc(), each.c.path).limit(limit)).all()
    last = {(job_id, path) for path, job_id, _, _ in rows}
    details = _details(session, InputRow, last) | _details(session, OutputRow, last)
    for path, job_id, uses, _ in rows:
        details[job_id, path].uses = uses
    return [details[job_id, path] for path, job_id, _, _ in rows], rows[0][3] if rows else 0


def _uses(table: type[InputRow | OutputRow], words: Sequence[str]) -> Select[bytes, int, int]:
    uses = select(table.path, func.max(table.job_id).label("job_id"), func.count().label("uses"))
    return uses.where(_holds(cast(table.path, Text), words)).group_by(table.path)


def _details(
    session: Session, table: type[InputRow | OutputRow], wanted: set[tuple[int, bytes]]
) -> dict[tuple[int, bytes], pb.FoundFile]:
    """Returns the files as jobs used them, by job id and path."""
    columns = select(table.job_id, table.path, table.size, ArtifactRow.hash, JobRow.uid, StepRow.kind, StepRow.number)
    joined = columns.outerjoin(ArtifactRow, table.artifact_id == ArtifactRow.id)
    joined = joined.join(JobRow, table.job_id == JobRow.id).join(StepRow, JobRow.step_id == StepRow.id)
    found: dict[tuple[int, bytes], pb.FoundFile] = {}
    pairs = sorted(wanted)
    for start in range(0, len(pairs), _AT_ONCE):
        some = pairs[start : start + _AT_ONCE]
        # Not IN a list of pairs, for which SQLite reads the whole table.
        each = or_(*(and_(table.job_id == job_id, table.path == path) for job_id, path in some))
        rows = session.execute(joined.where(each))
        for job_id, path, size, digest, uid, kind, number in rows:
            found[job_id, path] = pb.FoundFile(
                path=path,
                job=uid,
                step=step_label(kind, number),
                written=table is OutputRow,
                hash=digest or b"",
                size=size,
            )
    return found
