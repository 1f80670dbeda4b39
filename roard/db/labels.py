"""Documents of labels, every version of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from sqlalchemy import insert, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from roard.db.tables import ArtifactLabelRow, JobLabelRow, SessionLabelRow

_Table: TypeAlias = "type[SessionLabelRow | JobLabelRow | ArtifactLabelRow]"


class Owner(NamedTuple):
    """What labels stand on: the table that they are in, and the id of the thing."""

    table: _Table
    id: int


class Version(NamedTuple):
    """One version of a document."""

    version: int
    document: str
    created_at_ns: int


def versions(session: Session, owner: Owner) -> Sequence[Version]:
    """Returns all versions, the newest first. One statement, by the primary key."""
    table = owner.table
    columns = select(table.version, table.document, table.created_at_ns)
    rows = session.execute(columns.where(_key(table) == owner.id).order_by(table.version.desc()))
    return [Version(*row) for row in rows]


def current(session: Session, owner: Owner) -> Version | None:
    """Returns the newest version; None: there never was one."""
    table = owner.table
    columns = select(table.version, table.document, table.created_at_ns).where(_key(table) == owner.id)
    row = session.execute(columns.order_by(table.version.desc()).limit(1)).first()
    return None if row is None else Version(*row)


def add_version(session: Session, owner: Owner, version: Version) -> None:
    """Inserts a version; the caller has made sure that its number is the next."""
    values = {_key(owner.table).key: owner.id, **version._asdict()}
    session.execute(insert(owner.table).values(values))


def _key(table: _Table) -> InstrumentedAttribute[int]:
    if table is SessionLabelRow:
        return SessionLabelRow.session_id
    return JobLabelRow.job_id if table is JobLabelRow else ArtifactLabelRow.artifact_id
