"""Jobs that were taken out of the tables, and put back: with every row that hangs on them.

Which tables these are the schema says, so that a table of tomorrow is not forgotten.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TypeAlias

from sqlalchemy import Table, delete, func, insert, select
from sqlalchemy.orm import Session, defer

from roard.db import session_files
from roard.db.tables import (
    Base,
    InputRow,
    JobRow,
    OutputRow,
    PoppedArtifactRow,
    PoppedFileRow,
    PoppedRow,
    SessionFileRow,
    SessionRow,
    StepRow,
)
from roard.model import StatKey

Cell: TypeAlias = "int | float | str | bytes | None"
Rows: TypeAlias = "dict[str, list[dict[str, Cell]]]"
_AT_ONCE = 500
"""Paths in one statement."""
_BYTES = "b64"
"""Key of the object that stands for bytes."""


@dataclass(frozen=True)
class Candidate:
    """The job that would be popped next."""

    job_id: int
    uid: str
    run_id: str


@dataclass(frozen=True)
class StepTaken:
    """Why a job cannot come back: its place in the pipeline is another command's now."""

    kind: str
    number: int
    name: str
    """Of the step that is there."""


def newest_job(session: Session) -> Candidate | None:
    """Returns the newest job of the active session. Index: ix_job_step."""
    joined = select(JobRow.id, JobRow.uid, JobRow.run_id).join(StepRow, JobRow.step_id == StepRow.id).join(SessionRow)
    row = session.execute(joined.where(SessionRow.active).order_by(JobRow.id.desc()).limit(1)).first()
    return None if row is None else Candidate(row.id, row.uid, row.run_id)


def find_popped(session: Session, uid: str = "") -> PoppedRow | None:
    """Returns the popped job with this id; without one, the job that was popped last."""
    wanted = select(PoppedRow).order_by(PoppedRow.id.desc()).limit(1)
    return session.scalar(wanted.where(PoppedRow.uid == uid) if uid else wanted)


def list_popped(session: Session) -> Sequence[PoppedRow]:
    """Returns all popped jobs, the last first."""
    # Their rows stay where they are: megabytes, for a job with many files.
    return session.scalars(select(PoppedRow).options(defer(PoppedRow.rows)).order_by(PoppedRow.id.desc())).all()


def files_of(session: Session, popped_id: int) -> dict[bytes, StatKey]:
    """Returns the files that go into the trash with a popped job, by path."""
    rows = session.scalars(select(PoppedFileRow).where(PoppedFileRow.popped_id == popped_id).order_by("path"))
    return {row.path: StatKey(row.dev, row.ino, row.size, row.mtime_ns, row.ctime_ns) for row in rows}


def users_of(session: Session, paths: Iterable[bytes], but: int) -> dict[bytes, str]:
    """Returns which of the paths another job than `but` has read or written, each with the id of the newest such job.

    Indexes: ix_output_path, ix_input_path.
    """
    newest: dict[bytes, int] = {}
    pending = iter(paths)
    tables: tuple[type[InputRow | OutputRow], ...] = (OutputRow, InputRow)
    while some := list(islice(pending, _AT_ONCE)):
        for table in tables:
            others = select(table.path, func.max(table.job_id)).where(table.path.in_(some), table.job_id != but)
            for path, job_id in session.execute(others.group_by(table.path)):
                newest[path] = max(newest.get(path, 0), job_id)
    uids: dict[int, str] = {}
    ids = iter(set(newest.values()))
    while few := list(islice(ids, _AT_ONCE)):
        uids.update(dict(session.execute(select(JobRow.id, JobRow.uid).where(JobRow.id.in_(few))).all()))
    return {path: uids[job_id] for path, job_id in newest.items()}


def take_out(session: Session, job_id: int, files: Mapping[bytes, StatKey], directory: str, now_ns: int) -> int:
    """Removes a job with all that hangs on it, and its step when it was its only job; keeps it as popped.

    Returns the session it was in, whose hash the caller writes anew.
    """
    job = session.get_one(JobRow, job_id)
    step = session.get_one(StepRow, job.step_id)
    rows = _rows_of(session, job_id)
    artifacts = {id_ for table, column in _naming("artifacts") for row in rows.get(table, ()) if (id_ := row[column])}
    rows["steps"] = [_row(StepRow.__table__, step)]
    popped = PoppedRow(
        uid=job.uid,
        run_id=job.run_id,
        job_id=job_id,
        session_id=step.session_id,
        kind=step.kind,
        number=step.number,
        command=job.command,
        popped_at_ns=now_ns,
        directory=directory,
        rows=_packed(rows),
    )
    session.add(popped)
    session.flush()
    _insert(session, PoppedArtifactRow, [{"popped_id": popped.id, "artifact_id": id_} for id_ in artifacts])
    _insert(session, PoppedFileRow, [{"popped_id": popped.id, "path": p, **k._asdict()} for p, k in files.items()])
    session_files.forget_all(session, popped.session_id)
    for table, column in reversed(list(_hanging_on_jobs())):
        session.execute(delete(table).where(table.c[column] == job_id))
    session.execute(delete(JobRow).where(JobRow.id == job_id))
    if session.scalar(select(func.count()).select_from(JobRow).where(JobRow.step_id == step.id)) == 0:
        session.execute(delete(StepRow).where(StepRow.id == step.id))
    session_files.note_all(session, popped.session_id)
    return popped.session_id


def step_taken(session: Session, popped: PoppedRow) -> StepTaken | None:
    """Returns what keeps a popped job from its place in the pipeline; None: nothing does."""
    (wanted,) = _unpacked(popped.rows)["steps"]
    there = _step_at(session, popped)
    if there is None or there.shape == wanted["shape"]:
        return None
    return StepTaken(there.kind, there.number, there.name)


def put_back(session: Session, popped: PoppedRow) -> None:
    """Inserts every row of a popped job again, under its own id, and forgets that it was popped.

    The files of its session are noted anew, here as in take_out: a second for a million uses.
    """
    rows = _unpacked(popped.rows)
    (step,) = rows.pop("steps")
    there = _step_at(session, popped)
    if there is None:
        # Its old number in the table may be another step's by now; what users know is its place.
        row = {name: value for name, value in step.items() if name != "id"}
        step_id = session.execute(insert(StepRow).values(row).returning(StepRow.id)).scalar_one()
    else:
        step_id = there.id
    for job in rows["jobs"]:
        job["step_id"] = step_id
    for name in ("jobs", *(table.name for table, _ in _hanging_on_jobs())):
        _insert_raw(session, Base.metadata.tables[name], rows.get(name, []))
    session_files.forget_all(session, popped.session_id)
    session_files.note_all(session, popped.session_id)
    forget(session, popped.id)


def forget(session: Session, popped_id: int) -> None:
    """Forgets that a job was popped."""
    session.execute(delete(PoppedFileRow).where(PoppedFileRow.popped_id == popped_id))
    session.execute(delete(PoppedArtifactRow).where(PoppedArtifactRow.popped_id == popped_id))
    session.execute(delete(PoppedRow).where(PoppedRow.id == popped_id))


def forget_all(session: Session) -> None:
    """Removes all popped jobs for good."""
    for table in (PoppedFileRow, PoppedArtifactRow, PoppedRow):
        session.execute(delete(table))


def _step_at(session: Session, popped: PoppedRow) -> StepRow | None:
    """Index: ix_step_number."""
    place = (StepRow.session_id == popped.session_id) & (StepRow.kind == popped.kind)
    return session.scalar(select(StepRow).where(place, StepRow.number == popped.number))


@cache
def _hanging_on_jobs() -> tuple[tuple[Table, str], ...]:
    """Returns the tables whose rows belong to a job, parents first, each with the column that names it."""
    # The files of a session follow from the other tables, and are noted anew.
    own = ((name, column) for name, column in _naming("jobs") if name != SessionFileRow.__tablename__)
    return tuple((Base.metadata.tables[name], column) for name, column in own)


@cache
def _naming(table: str) -> tuple[tuple[str, str], ...]:
    """Returns every table and column of the schema that names a row of this one."""
    return tuple(
        (other.name, key.parent.name)
        for other in Base.metadata.sorted_tables
        for key in other.foreign_keys
        if key.column.table.name == table
    )


def _rows_of(session: Session, job_id: int) -> Rows:
    found: Rows = {"jobs": [_row(JobRow.__table__, session.get_one(JobRow, job_id))]}
    for table, column in _hanging_on_jobs():
        answer = session.connection().exec_driver_sql(f"SELECT * FROM {table.name} WHERE {column} = ?", (job_id,))  # noqa: S608  # of the schema
        found[table.name] = [dict(row) for row in answer.mappings()]
    return found


def _row(table: object, row: object) -> dict[str, Cell]:
    assert isinstance(table, Table)
    return {column.name: getattr(row, column.name) for column in table.columns}


def _insert(session: Session, table: type[Base], rows: list[dict[str, object]]) -> None:
    if rows:
        session.execute(insert(table), rows)


def _insert_raw(session: Session, table: Table, rows: list[dict[str, Cell]]) -> None:
    """Inserts rows as they were read; a column that the table has got since takes its default."""
    if rows:
        names = list(rows[0])
        marks = ", ".join("?" * len(names))
        statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608  # of the schema
        session.connection().exec_driver_sql(statement, [tuple(row[name] for name in names) for row in rows])


def _packed(rows: Rows) -> bytes:
    plain = {table: [list(row) for row in _columns_first(found)] for table, found in rows.items()}
    return zlib.compress(json.dumps(plain).encode(), 1)


def _columns_first(rows: list[dict[str, Cell]]) -> Iterator[Iterable[object]]:
    """Yields the names of the columns, then the rows."""
    if rows:
        yield rows[0]
    for row in rows:
        yield [_as_json(cell) for cell in row.values()]


def _unpacked(packed: bytes) -> Rows:
    plain: dict[str, list[list[object]]] = json.loads(zlib.decompress(packed))
    return {
        table: [dict(zip(map(str, rows[0]), map(_as_cell, row), strict=True)) for row in rows[1:]]
        for table, rows in plain.items()
    }


def _as_json(cell: Cell) -> object:
    return {_BYTES: base64.b64encode(cell).decode()} if isinstance(cell, bytes) else cell


def _as_cell(value: object) -> Cell:
    if isinstance(value, dict):
        return base64.b64decode(value[_BYTES])
    assert value is None or isinstance(value, int | float | str)
    return value
