"""Artifacts: contents by their hash."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.orm import Session

from roard.model import Content

_INSERT = "INSERT OR IGNORE INTO artifacts (hash, size, first_seen_ns) VALUES (?, ?, ?)"


def add_artifacts(session: Session, contents: Iterable[Content], seen_at_ns: int) -> None:
    """Inserts every content that has a digest and is not known yet; one statement."""
    rows = [(content.digest, content.size, seen_at_ns) for content in contents if content.digest]
    if rows:
        session.connection().exec_driver_sql(_INSERT, rows)
