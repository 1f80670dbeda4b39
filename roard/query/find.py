"""Looks up what a reference names. The grammar is in roard/refs.py."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TypeAlias

from roar_proto.v1 import lineage_pb2 as pb
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from roard.db.tables import ArtifactDigestRow, ArtifactRow, JobRow, SessionRow, StepRow
from roard.errors import (
    AmbiguousReference,
    ArtifactNotFound,
    BadReference,
    BadRequest,
    JobNotFound,
    SessionNotFound,
    StepNotFound,
    shown,
)
from roard.paths import to_stored
from roard.query.missing import is_recorded, no_hex, no_path
from roard.refs import SHORTEST_HASH, HexRef, LocationRef, PathRef, RecentRef, Ref, StepRef, parse_ref

MOST_CANDIDATES = 8
"""Listed with an ambiguous reference."""
ID_LENGTH = 8
"""Hex digits of a word that is a job id before anything else."""


@dataclass(frozen=True, slots=True)
class JobTarget:
    """A recorded job."""

    id: int


@dataclass(frozen=True, slots=True)
class SessionTarget:
    """A session."""

    id: int


@dataclass(frozen=True, slots=True)
class ArtifactTarget:
    """Content, named by its hash."""

    id: int


@dataclass(frozen=True, slots=True)
class PathTarget:
    """A path that some job read or wrote, in its recorded form."""

    path: bytes


@dataclass(frozen=True, slots=True)
class StepJob:
    """A step of the active session."""

    label: str
    """"@3", "@B1"."""
    job_id: int
    """Its latest job."""


Target: TypeAlias = JobTarget | SessionTarget | ArtifactTarget | PathTarget


Request: TypeAlias = pb.ResolveRequest | pb.GetLineageRequest | pb.GetInputsRequest
"""What has a reference in it."""


def find(session: Session, root: bytes, request: Request) -> Target:
    """Returns what a reference of any kind, or of the kind asked for, names.

    Raises JobNotFound, StepNotFound, SessionNotFound, ArtifactNotFound, BadReference, AmbiguousReference, BadRequest.
    """
    if b"\0" in request.ref + request.cwd:
        raise BadRequest("no path has a byte of zero in it")
    match request.kind:
        case pb.REF_KIND_JOB:
            return JobTarget(find_job(session, request.ref))
        case pb.REF_KIND_SESSION:
            return SessionTarget(find_session(session, request.ref))
        case pb.REF_KIND_ARTIFACT:
            return ArtifactTarget(find_artifact(session, request.ref))
        case pb.REF_KIND_PATH:
            return _find_path(session, root, request.ref, request.cwd)
    return _find_any(session, root, request.ref, request.cwd)


def _find_any(session: Session, root: bytes, typed: bytes, cwd: bytes) -> Target:
    match parse_ref(typed):
        case StepRef() | RecentRef():
            return JobTarget(find_job(session, typed))
        case HexRef(prefix):
            return _find_hex(session, root, prefix, typed, cwd)
        case LocationRef() | PathRef():
            return _find_path(session, root, typed, cwd)


def find_job(session: Session, typed: bytes) -> int:
    """Returns the id of the job; for an empty word the newest one.

    Raises JobNotFound, StepNotFound, BadReference, AmbiguousReference.
    """
    ref = parse_ref(typed) if typed else RecentRef(1)
    found = _jobs_of(session, ref, typed)
    if not found:
        raise (
            StepNotFound(shown(typed), _known_steps(session)) if isinstance(ref, StepRef) else JobNotFound(shown(typed))
        )
    return _only(typed, found).id


def find_step(session: Session, typed: bytes) -> StepJob:
    """Returns a step of the active session and its latest job. Raises StepNotFound, BadReference."""
    ref = parse_ref(typed)
    if not isinstance(ref, StepRef):
        hint = "a step is @N or @BN; `roar status` lists those of the active session"
        raise BadReference(shown(typed), "a step is meant", hint=hint)
    return StepJob(f"@{'B' if ref.kind == 'build' else ''}{ref.number}", find_job(session, typed))


def _known_steps(session: Session) -> str:
    """Returns the steps of the active session as "@B1, @1 to @7"."""
    numbers = select(StepRow.kind, func.max(StepRow.number)).join(SessionRow).where(SessionRow.active)
    last = dict(session.execute(numbers.group_by(StepRow.kind)).all())
    marks = [(mark, last[kind]) for kind, mark in (("build", "@B"), ("run", "@")) if kind in last]
    return ", ".join(f"{mark}1 to {mark}{number}" if number > 1 else f"{mark}1" for mark, number in marks)


def find_session(session: Session, typed: bytes) -> int:
    """Returns the id of the session; for an empty word the active one. Raises SessionNotFound, AmbiguousReference."""
    if not typed:
        active = session.scalar(select(SessionRow.id).where(SessionRow.active))
        if active is None:
            raise SessionNotFound("active")
        return active
    ref = parse_ref(typed)
    found = _sessions_of(session, ref.prefix) if isinstance(ref, HexRef) else []
    if not found:
        raise SessionNotFound(shown(typed))
    return _only(typed, found).id


def find_artifact(session: Session, typed: bytes) -> int:
    """Returns the id of the artifact with this hash. Raises ArtifactNotFound, BadReference, AmbiguousReference."""
    ref = parse_ref(typed)
    if not isinstance(ref, HexRef) or len(ref.prefix) < SHORTEST_HASH:
        raise BadReference(shown(typed), f"an artifact hash is {SHORTEST_HASH} or more hex digits")
    found = _artifacts_of(session, ref.prefix)
    if not found:
        raise ArtifactNotFound(shown(typed))
    return _only(typed, found).id


def find_artifact_or_path(session: Session, root: bytes, typed: bytes, cwd: bytes) -> int | bytes:
    """Returns the id of the artifact with this hash, else the recorded path that the word names.

    For where no job and no session can be meant. Raises ArtifactNotFound, BadReference, AmbiguousReference.
    """
    ref = parse_ref(typed)
    if isinstance(ref, HexRef) and (found := _artifacts_of(session, ref.prefix)):
        return _only(typed, found).id
    return _find_path(session, root, typed, cwd).path


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Something that a word fits."""

    target: Target
    id: int
    shown: str


def _only(typed: bytes, found: list[_Candidate]) -> _Candidate:
    if len(found) > 1:
        listed = [candidate.shown for candidate in found[:MOST_CANDIDATES]]
        more = ["and more"] if len(found) > MOST_CANDIDATES else []
        raise AmbiguousReference(shown(typed), (*listed, *more))
    return found[0]


def _find_hex(session: Session, root: bytes, prefix: str, typed: bytes, cwd: bytes) -> Target:
    """Returns what a hex word names: eight digits are a job before a session before an artifact before a file."""
    kinds = [_jobs_by_uid(session, prefix), _sessions_of(session, prefix), _artifacts_of(session, prefix)]
    stored = _stored(root, typed, cwd)
    if is_recorded(session, stored):
        kinds.append([_Candidate(PathTarget(stored), 0, f"file {shown(stored)}")])
    kinds = [found for found in kinds if found]
    if not kinds:
        raise no_hex(prefix, typed)
    together = [candidate for found in kinds for candidate in found]
    return _only(typed, kinds[0] if len(prefix) == ID_LENGTH else together).target


def _jobs_of(session: Session, ref: Ref, typed: bytes) -> list[_Candidate]:
    if isinstance(ref, HexRef):
        return _jobs_by_uid(session, ref.prefix)
    newest = select(JobRow.id, JobRow.uid).order_by(JobRow.id.desc()).limit(1)
    if isinstance(ref, StepRef):
        newest = newest.join(StepRow, JobRow.step_id == StepRow.id).join(SessionRow)
        newest = newest.where(SessionRow.active, StepRow.kind == ref.kind, StepRow.number == ref.number)
    elif isinstance(ref, RecentRef):
        newest = newest.offset(ref.back - 1)
    else:
        hint = "a job is @N, @BN, @-1 for the newest, or an id; `roar log` lists them, and `roar search` finds them"
        raise BadReference(shown(typed), "a job is meant", hint=hint)
    return [_Candidate(JobTarget(id_), id_, f"job {uid}") for id_, uid in session.execute(newest)]


def _jobs_by_uid(session: Session, prefix: str) -> list[_Candidate]:
    """Index: jobs.uid. An exact id wins over longer ones that begin with it."""
    rows = session.execute(
        select(JobRow.id, JobRow.uid).where(JobRow.uid.between(prefix, prefix + "g")).order_by(JobRow.uid)
    ).all()
    found = [row for row in rows if row.uid == prefix] or rows
    return [_Candidate(JobTarget(row.id), row.id, f"job {row.uid}") for row in found[: MOST_CANDIDATES + 1]]


def _sessions_of(session: Session, prefix: str) -> list[_Candidate]:
    """Index: ix_sessions_hash. Of sessions with equal content the newest stands for all: their hash is the same."""
    rows = session.execute(select(SessionRow.id, SessionRow.hash).where(_within(SessionRow.hash, prefix)))
    newest = {digest.hex(): id_ for id_, digest in sorted(rows) if digest.hex().startswith(prefix)}
    return [_Candidate(SessionTarget(id_), id_, f"session {digest[:12]}") for digest, id_ in newest.items()]


def _artifacts_of(session: Session, prefix: str) -> list[_Candidate]:
    """Indexes: artifacts.hash, ix_artifact_digest. Nothing for a word that is too short to be a hash."""
    if len(prefix) < SHORTEST_HASH:
        return []
    by_hash = select(ArtifactRow.id, ArtifactRow.hash).where(_within(ArtifactRow.hash, prefix))
    other = ArtifactDigestRow
    by_other = select(other.artifact_id, other.digest).where(_within(other.digest, prefix))
    rows = [*session.execute(by_hash), *session.execute(by_other)]
    found = {id_: digest.hex() for id_, digest in rows if digest.hex().startswith(prefix)}
    return [_Candidate(ArtifactTarget(id_), id_, f"artifact {digest[:16]}") for id_, digest in found.items()]


def _within(column: InstrumentedAttribute[bytes], prefix: str) -> ColumnElement[bool]:
    """Returns the condition that a digest is in the range of a prefix; an odd last digit widens it by a half byte."""
    low = bytes.fromhex(prefix + "0" * (len(prefix) % 2))
    high = bytes.fromhex(prefix + "f" * (len(prefix) % 2)) + b"\xff" * 32
    return column.between(low, high)


def _find_path(session: Session, root: bytes, typed: bytes, cwd: bytes) -> PathTarget:
    stored = typed if isinstance(parse_ref(typed), LocationRef) else _stored(root, typed, cwd)
    if not is_recorded(session, stored):
        raise no_path(session, root, typed, cwd or root)
    return PathTarget(stored)


def _stored(root: bytes, typed: bytes, cwd: bytes) -> bytes:
    """Returns the recorded form of a path: resolved as far as it exists, as the kernel would have named it."""
    return to_stored(root, os.path.realpath(os.path.join(cwd or root, typed)))
