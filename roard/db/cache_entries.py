"""Jobs whose outputs are kept, and when these may be used again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Select, bindparam, insert, select
from sqlalchemy.orm import Session

from roard.db.tables import ArtifactDigestRow, ArtifactRow, CacheEntryRow, InputRow, JobRow, OutputRow
from roard.model import CacheEntry, Content, UsedFile

MOST_CANDIDATES = 20
# Statements are built once: building one takes twice as long as running it.
_CANDIDATES = (
    select(JobRow.id, JobRow.uid, CacheEntryRow.fingerprint, CacheEntryRow.refused)
    .join(JobRow, JobRow.id == CacheEntryRow.job_id)
    .where(CacheEntryRow.command == bindparam("command"))
    .order_by(CacheEntryRow.job_id.desc())
    .limit(MOST_CANDIDATES)
)
_WANTED = (
    select(ArtifactRow.hash)
    .join(OutputRow, OutputRow.artifact_id == ArtifactRow.id)
    .join(CacheEntryRow, CacheEntryRow.job_id == OutputRow.job_id)
    .where(CacheEntryRow.refused == "")
    .distinct()
)


class Candidate(NamedTuple):
    """A job that may stand for a run of the same command."""

    job_id: int
    uid: str
    fingerprint: bytes
    """See run_cache/keep.py."""
    refused: str
    """Why it never can; empty: it can."""


def add_entry(session: Session, job_id: int, entry: CacheEntry) -> None:
    """Inserts what is known of the kept outputs of a job."""
    row = {"command": entry.command, "fingerprint": entry.fingerprint, "refused": entry.refused}
    session.execute(insert(CacheEntryRow).values(job_id=job_id, **row))


def candidates(session: Session, command: bytes) -> list[Candidate]:
    """Returns the jobs of a command (command_key) in all sessions, newest first. Index: ix_cache_entry_command."""
    return [Candidate(*row) for row in session.execute(_CANDIDATES, {"command": command})]


def used_files(session: Session, job_id: int) -> tuple[list[UsedFile], list[UsedFile]]:
    """Returns what a job read and what it wrote, by path; two statements. Index: the primary keys."""
    return _files(session, InputRow, job_id), _files(session, OutputRow, job_id)


def lacks_digests(session: Session, job_id: int, algorithms: Iterable[str]) -> bool:
    """Returns whether there is a content of a job that is not known by one of these hash algorithms."""
    return any(
        session.execute(_without_digest(table, job_id, algorithm)).first()
        for algorithm in algorithms
        for table in (InputRow, OutputRow)
    )


def _without_digest(table: type[InputRow | OutputRow], job_id: int, algorithm: str) -> Select[bytes]:
    of_content = ArtifactDigestRow.artifact_id == table.artifact_id
    known = select(ArtifactDigestRow.artifact_id).where(of_content, ArtifactDigestRow.algorithm == algorithm)
    return select(table.path).where(table.job_id == job_id, table.artifact_id.is_not(None), ~known.exists()).limit(1)


def wanted_digests(session: Session) -> set[bytes]:
    """Returns the contents of all outputs that a job could be restored from."""
    return set(session.scalars(_WANTED))


def _files(session: Session, table: type[InputRow | OutputRow], job_id: int) -> list[UsedFile]:
    mark = InputRow.executed if table is InputRow else OutputRow.created
    columns = select(table.path, table.role, mark, ArtifactRow.hash, table.size, table.hash_note)
    joined = columns.outerjoin(ArtifactRow, table.artifact_id == ArtifactRow.id).where(table.job_id == job_id)
    return [
        UsedFile(path, role, marked, Content(digest or b"", size, note))
        for path, role, marked, digest, size, note in session.execute(joined.order_by(table.path))
    ]
