"""Why a reference names nothing, and what was probably meant: for the error that says so."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from difflib import get_close_matches

from sqlalchemy import select
from sqlalchemy.orm import Session

from roard.db.tables import InputRow, OutputRow
from roard.errors import ArtifactNotFound, shown
from roard.paths import to_absolute, to_stored
from roard.refs import SHORTEST_HASH

MOST_COMPARED = 1000
"""Recorded paths of a directory that are looked at: an error must not take long."""
_REVISION = re.compile(rb"HEAD([~^@].*)?")


def is_recorded(session: Session, stored: bytes) -> bool:
    """Indexes: ix_output_path, ix_input_path."""
    written = select(OutputRow.path).where(OutputRow.path == stored)
    read = select(InputRow.path).where(InputRow.path == stored)
    return session.scalar(written.limit(1)) is not None or session.scalar(read.limit(1)) is not None


def no_hex(prefix: str, typed: bytes) -> ArtifactNotFound:
    """Returns the error for hex digits that nothing begins with."""
    cause = "no job, session or content of a file begins with these digits"
    if len(prefix) < SHORTEST_HASH:
        cause = f"no job or session begins with these digits; a content takes {SHORTEST_HASH} or more"
    hint = "`roar log --all` lists the jobs, `roar session list` the sessions, and `roar search` finds files"
    return ArtifactNotFound(shown(typed), cause=cause, hint=hint)


def no_path(session: Session, root: bytes, typed: bytes, cwd: bytes) -> ArtifactNotFound:
    """Returns the error for a path that is not recorded. cwd: where it was typed, absolute."""
    path = os.path.join(cwd, typed)
    if os.path.isdir(path):
        return ArtifactNotFound(shown(typed), cause="it is a directory", hint="name a file in it")
    if os.path.exists(path):
        return ArtifactNotFound(
            shown(typed),
            cause="it is there, but no recorded job read or wrote it",
            hint="record what does with `roar run COMMAND`; `roar show --dropped` lists what rules leave out of a job",
        )
    if meant := _meant(session, root, typed, cwd):
        return ArtifactNotFound(shown(typed), hint=f"did you mean {' or '.join(f'`{word}`' for word in meant)}?")
    if typed.isdigit():
        return ArtifactNotFound(shown(typed), hint=f"the step of this number is `@{shown(typed)}`")
    if _REVISION.fullmatch(typed):
        hint = "`roar show JOB` tells the commit of a job, and `roar log` lists the jobs"
        return ArtifactNotFound(shown(typed), cause="names that git gives to commits are no references", hint=hint)
    return ArtifactNotFound(shown(typed))


def _meant(session: Session, root: bytes, typed: bytes, cwd: bytes) -> list[str]:
    """Returns recorded paths that are nearly the one typed, as they would be typed: at most two."""
    above = next((path for path in _from_above(root, typed, cwd) if is_recorded(session, to_stored(root, path))), None)
    if above:
        return [shown(os.path.relpath(above, cwd))]
    folder, name = os.path.split(os.path.realpath(os.path.join(cwd, typed)))
    beside = {os.path.basename(path): path for path in _recorded_in(session, to_stored(root, folder))}
    names = {shown(known): path for known, path in beside.items()}
    close = get_close_matches(shown(name), names, n=2, cutoff=0.75)
    return [shown(os.path.relpath(to_absolute(root, names[known]), cwd)) for known in close]


def _from_above(root: bytes, typed: bytes, cwd: bytes) -> Iterator[bytes]:
    """Yields the path as it would be from each directory above, up to the project's."""
    while cwd != root and cwd.startswith(root):
        cwd = os.path.dirname(cwd)
        yield os.path.realpath(os.path.join(cwd, typed))


def _recorded_in(session: Session, folder: bytes) -> set[bytes]:
    """Returns recorded paths of files in a directory, and below it. Indexes: ix_output_path, ix_input_path."""
    # Of the project's own directory the stored form is empty, and paths outside begin with a slash.
    low, high = (folder + b"/", folder + b"0") if folder else (b"0", b"\xff")
    found: set[bytes] = set()
    for column in (OutputRow.path, InputRow.path):
        found.update(session.scalars(select(column).where(column.between(low, high)).distinct().limit(MOST_COMPARED)))
    return {path for path in found if os.path.dirname(path) == folder}
