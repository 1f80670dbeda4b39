"""Files as names: how large they are and how often jobs used them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roar_proto.v1 import files_pb2 as pb
from sqlalchemy import Integer, Select, Subquery, func, literal, select, union_all

from roard.db.tables import ArtifactRow, InputRow, JobRow, OutputRow, SessionRow, StepRow
from roard.project import Project
from roard.query.jobs import step_label

DEFAULT_LIMIT = 20
MAX_LIMIT = 10_000
_COLUMNS: Mapping[pb.FileOrder.ValueType, str] = {
    pb.FILE_ORDER_UNSPECIFIED: "size",
    pb.FILE_ORDER_SIZE: "size",
    pb.FILE_ORDER_READS: "reads",
    pb.FILE_ORDER_WRITES: "writes",
    pb.FILE_ORDER_RECENT: "newest",
}


def list_files(project: Project, request: pb.ListFilesRequest) -> pb.ListFilesResponse:
    """Returns the data files that were used, in the order asked for; one statement, which reads every use."""
    stats = _stats(request).subquery()
    first = _first(stats, request).subquery()
    columns = select(first, ArtifactRow.hash, JobRow.uid, JobRow.started_at_ns, StepRow.kind, StepRow.number)
    joined = columns.join(JobRow, JobRow.id == first.c.job_id).join(StepRow, JobRow.step_id == StepRow.id)
    response = pb.ListFilesResponse()
    with project.store.read() as session:
        for row in session.execute(
            joined.outerjoin(ArtifactRow, ArtifactRow.id == first.c.artifact_id).order_by(first.c.place)
        ):
            response.total, response.total_bytes = row.total, row.total_bytes
            response.files.add(
                path=row.path,
                size=row.size,
                hash=row.hash or b"",
                reads=row.reads,
                writes=row.writes,
                job_uid=row.uid,
                step=step_label(row.kind, row.number),
                used_at_ns=row.started_at_ns,
            )
    return response


def _stats(request: pb.ListFilesRequest) -> Select[bytes, int, int, int, int, int, int]:
    """Selects one row for each path."""
    uses = union_all(_uses(InputRow, request), _uses(OutputRow, request)).subquery()
    return select(
        uses.c.path,
        func.sum(1 - uses.c.written, type_=Integer).label("reads"),
        func.sum(uses.c.written, type_=Integer).label("writes"),
        # SQLite takes the columns that are no aggregates from the row with the maximum: the newest use, and of one
        # job what it wrote.
        func.max(2 * uses.c.job_id + uses.c.written).label("newest"),
        uses.c.job_id,
        uses.c.size,
        uses.c.artifact_id,
    ).group_by(uses.c.path)


def _uses(table: type[InputRow | OutputRow], request: pb.ListFilesRequest) -> Select[bytes, int, int, int | None, int]:
    written = literal(int(table is OutputRow)).label("written")
    uses = select(table.path, table.job_id, table.size, table.artifact_id, written).where(table.role == "data")
    if request.holding:
        uses = uses.where(func.instr(table.path, request.holding) > 0)
    if not request.all_sessions:
        uses = uses.join(JobRow, JobRow.id == table.job_id).join(StepRow, StepRow.id == JobRow.step_id)
        uses = uses.join(SessionRow).where(SessionRow.active)
    return uses


def _first(stats: Subquery, request: pb.ListFilesRequest) -> Select[Any]:
    """Selects the rows asked for, each with its place and the number and size of them all."""
    order = (stats.c[_COLUMNS.get(request.order, "size")].desc(), stats.c.size.desc(), stats.c.path)
    numbered = select(
        stats,
        func.count().over().label("total"),
        func.sum(stats.c.size).over().label("total_bytes"),
        func.row_number().over(order_by=order).label("place"),
    )
    return numbered.order_by(*order).limit(min(request.limit or DEFAULT_LIMIT, MAX_LIMIT))
