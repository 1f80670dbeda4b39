"""Labelling sessions, jobs and artifacts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from roar_proto.v1 import labels_pb2 as pb
from sqlalchemy import select
from sqlalchemy.orm import Session

from roard.db import labels
from roard.db.labels import Owner, Version
from roard.db.tables import ArtifactLabelRow, ArtifactRow, JobLabelRow, JobRow, SessionLabelRow, SessionRow
from roard.errors import ArtifactNotFound, BadRequest, NoSuchLabel, shown
from roard.label_document import Document, decode_key, from_json, merged, parse_assignments, to_json, without
from roard.project import Project
from roard.query.find import find_artifact_or_path, find_job, find_session
from roard.query.resolve import path_content

CURRENT = b"current"
"""Stands for the active session."""


class _Found(NamedTuple):
    """What a target names."""

    owner: Owner
    message: pb.Labelled


def set_labels(project: Project, target: pb.LabelTarget, words: Sequence[bytes]) -> pb.SetLabelsResponse:
    """Adds labels to a thing, or gives them other values.

    Raises BadLabel, LabelConflict, and what finding the target raises.
    """
    if not words:
        raise BadRequest("`assignments` is empty")
    found, wanted = _find(project, target), parse_assignments(words)
    version, changed = _merge(project, found, wanted)
    return pb.SetLabelsResponse(labelled=found.message, current=_message(version), changed=changed)


def unset_labels(project: Project, target: pb.LabelTarget, words: Sequence[bytes]) -> pb.UnsetLabelsResponse:
    """Removes labels or groups of them, all or none. Raises BadLabel, NoSuchLabel, and what finding raises."""
    if not words:
        raise BadRequest("`keys` is empty")
    found, keys = _find(project, target), [decode_key(word) for word in words]
    with project.store.write() as session:
        now = labels.current(session, found.owner)
        left = without(from_json(now.document) if now else {}, keys)
        version = _next(now, left)
        labels.add_version(session, found.owner, version)
    return pb.UnsetLabelsResponse(labelled=found.message, current=_message(version))


def copy_labels(project: Project, source: pb.LabelTarget, target: pb.LabelTarget) -> pb.CopyLabelsResponse:
    """Adds the labels of one thing to those of another. Raises NoSuchLabel, LabelConflict, and what finding raises."""
    giver, taker = _find(project, source), _find(project, target)
    with project.store.read() as session:
        given = labels.current(session, giver.owner)
    wanted = from_json(given.document) if given else {}
    if not wanted:
        raise NoSuchLabel("")
    version, changed = _merge(project, taker, wanted)
    return pb.CopyLabelsResponse(labelled=taker.message, current=_message(version), changed=changed)


def get_labels(project: Project, target: pb.LabelTarget) -> pb.GetLabelsResponse:
    """Returns every version of a thing's labels, the newest first. Raises what finding the target raises."""
    found = _find(project, target)
    with project.store.read() as session:
        kept = labels.versions(session, found.owner)
    return pb.GetLabelsResponse(labelled=found.message, versions=map(_message, kept))


def _merge(project: Project, found: _Found, wanted: Mapping[str, object]) -> tuple[Version, bool]:
    """Stores a document with more labels, unless it is the one that is there."""
    with project.store.write() as session:
        now = labels.current(session, found.owner)
        before: Document = from_json(now.document) if now else {}
        version = _next(now, merged(before, wanted))  # type: ignore[arg-type]  # a document as well
        if now is not None and now.document == version.document:
            return now, False
        labels.add_version(session, found.owner, version)
    return version, True


def _next(now: Version | None, document: Document) -> Version:
    return Version(now.version + 1 if now else 1, to_json(document), time.time_ns())


def _message(version: Version) -> pb.LabelVersion:
    return pb.LabelVersion(**version._asdict())


def _find(project: Project, target: pb.LabelTarget) -> _Found:
    """Returns what a target names. Raises JobNotFound, SessionNotFound, ArtifactNotFound, BadReference and others."""
    if b"\0" in target.ref + target.cwd:
        raise BadRequest("no path has a byte of zero in it")
    with project.store.read() as session:
        match target.entity:
            case pb.LABEL_ENTITY_DAG:
                id_ = find_session(session, b"" if target.ref == CURRENT else target.ref)
                name = session.scalars(select(SessionRow.hash).where(SessionRow.id == id_)).one().hex()
                owner = Owner(SessionLabelRow, id_)
            case pb.LABEL_ENTITY_JOB:
                id_ = find_job(session, target.ref)
                name = session.scalars(select(JobRow.uid).where(JobRow.id == id_)).one()
                owner = Owner(JobLabelRow, id_)
            case pb.LABEL_ENTITY_ARTIFACT:
                id_ = _artifact(project, session, target)
                name = session.scalars(select(ArtifactRow.hash).where(ArtifactRow.id == id_)).one().hex()
                owner = Owner(ArtifactLabelRow, id_)
            case _:
                raise BadRequest("`entity` is not set")
    return _Found(owner, pb.Labelled(entity=target.entity, id=name))


def _artifact(project: Project, session: Session, target: pb.LabelTarget) -> int:
    found = find_artifact_or_path(session, project.root, target.ref, target.cwd)
    if isinstance(found, int):
        return found
    content = path_content(project, session, found).content
    if content.artifact is None:
        # It was only ever recorded without a hash: there is nothing that a label could stand on.
        raise ArtifactNotFound(shown(target.ref))
    return content.artifact
