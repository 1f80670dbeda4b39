"""Artifacts as messages, and which one a path stands for."""

from __future__ import annotations

from dataclasses import dataclass

from roar_proto.v1 import lineage_pb2 as pb
from roar_proto.v1 import sessions_pb2
from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.orm import Session

from roard.db.tables import ArtifactDigestRow, ArtifactRow, InputRow, JobRow, OutputRow, StepRow
from roard.query.graph import DiskFile
from roard.query.jobs import step_label


@dataclass(frozen=True, slots=True)
class Content:
    """A content that was recorded at a path."""

    artifact: int | None
    """None: recorded without a hash."""
    digest: bytes
    size: int


@dataclass(frozen=True, slots=True)
class PathContent:
    """The content that a path stands for."""

    content: Content
    state: sessions_pb2.FileState.ValueType


def contents_at(session: Session, path: bytes) -> list[Content]:
    """Returns every content recorded at a path, the newest first; of one job what it wrote before what it read.

    Indexes: ix_input_path, ix_output_path.
    """
    uses: list[tuple[int, int, Content]] = []
    tables: tuple[type[InputRow | OutputRow], ...] = (InputRow, OutputRow)
    for order, table in enumerate(tables):
        # Read ten thousand times, a file has mostly few contents.
        uses_of = select(func.max(table.job_id).label("job_id"), table.artifact_id, table.size)
        each = uses_of.where(table.path == path).group_by(table.artifact_id, table.size).subquery()
        columns = select(each.c.job_id, each.c.artifact_id, ArtifactRow.hash, each.c.size)
        for job_id, artifact, digest, size in session.execute(
            columns.outerjoin(ArtifactRow, ArtifactRow.id == each.c.artifact_id)
        ):
            uses.append((job_id, order, Content(artifact, digest or b"", size)))
    return [content for _, _, content in sorted(uses, key=lambda use: use[:2], reverse=True)]


def choose(contents: list[Content], disk: DiskFile) -> PathContent:
    """Returns the content on disk when it is a recorded one, else the newest recorded."""
    for content in contents:
        if disk.digest and content.digest == disk.digest:
            return PathContent(content, sessions_pb2.FILE_STATE_PRESENT)
    newest = contents[0]
    if not disk.exists:
        return PathContent(newest, sessions_pb2.FILE_STATE_MISSING)
    known = newest.digest and not disk.unreadable
    return PathContent(newest, sessions_pb2.FILE_STATE_CHANGED if known else sessions_pb2.FILE_STATE_UNKNOWN)


def load_artifact(session: Session, artifact_id: int) -> pb.Artifact:
    """Returns an artifact with every place where it was seen; four statements."""
    row = session.get_one(ArtifactRow, artifact_id)
    uses = _uses(session, OutputRow, OutputRow.artifact_id == artifact_id)
    uses += _uses(session, InputRow, InputRow.artifact_id == artifact_id)
    artifact = pb.Artifact(hash=row.hash, size=row.size, first_seen_ns=row.first_seen_ns, uses=_newest_first(uses))
    digests = select(ArtifactDigestRow).where(ArtifactDigestRow.artifact_id == artifact_id)
    for other in session.scalars(digests.order_by(ArtifactDigestRow.algorithm)):
        artifact.digests.add(algorithm=other.algorithm, digest=other.digest)
    return artifact


def load_unhashed(session: Session, path: bytes, size: int) -> pb.Artifact:
    """Returns a file that was only ever recorded without a hash, as an artifact without one."""
    uses = _uses(session, OutputRow, OutputRow.path == path) + _uses(session, InputRow, InputRow.path == path)
    first = min((use.at_ns for _, use in uses), default=0)
    return pb.Artifact(size=size, first_seen_ns=first, uses=_newest_first(uses))


def _newest_first(uses: list[tuple[int, pb.ArtifactPath]]) -> list[pb.ArtifactPath]:
    return [use for _, use in sorted(uses, key=lambda pair: (-pair[0], not pair[1].written, pair[1].path))]


def _uses(
    session: Session, table: type[OutputRow | InputRow], condition: ColumnElement[bool]
) -> list[tuple[int, pb.ArtifactPath]]:
    columns = select(table.path, JobRow.id, JobRow.uid, JobRow.started_at_ns, StepRow.kind, StepRow.number)
    joined = columns.join(JobRow, table.job_id == JobRow.id).join(StepRow, JobRow.step_id == StepRow.id)
    return [(row.id, _use(row, written=table is OutputRow)) for row in session.execute(joined.where(condition))]


def _use(row: Row[bytes, int, str, int, str, int], *, written: bool) -> pb.ArtifactPath:
    step = step_label(row.kind, row.number)
    return pb.ArtifactPath(path=row.path, job_uid=row.uid, step=step, written=written, at_ns=row.started_at_ns)
