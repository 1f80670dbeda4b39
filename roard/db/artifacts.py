"""Artifacts: contents by their hash, and what other algorithms call them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.orm import Session

from roard.model import Content

_INSERT = "INSERT OR IGNORE INTO artifacts (hash, size, first_seen_ns) VALUES (?, ?, ?)"
_INSERT_DIGEST = """
INSERT OR IGNORE INTO artifact_digests (artifact_id, algorithm, digest)
VALUES ((SELECT id FROM artifacts WHERE hash = ?), ?, ?)
"""


def add_artifacts(session: Session, contents: Iterable[Content], seen_at_ns: int) -> None:
    """Inserts every content that has a digest and is not known yet, and its digests by other algorithms."""
    known = [content for content in contents if content.digest]
    if known:
        rows = [(content.digest, content.size, seen_at_ns) for content in known]
        session.connection().exec_driver_sql(_INSERT, rows)
    others = [(content.digest, other.algorithm, other.digest) for content in known for other in content.others]
    if others:
        session.connection().exec_driver_sql(_INSERT_DIGEST, others)
