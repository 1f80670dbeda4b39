"""The one grammar of references: what the word that a user typed may name. Looks nothing up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from roard.errors import BadReference, shown

SHORTEST_ID = 4
"""Hex digits: the shortest prefix of a job id or a session hash."""
SHORTEST_HASH = 8
"""Hex digits: the shortest prefix of the hash of a content, by whatever algorithm."""

_STEP = re.compile(rb"@([bB]?)([1-9][0-9]{0,8})")
_RECENT = re.compile(rb"@-([1-9][0-9]{0,8})")
_HEX = re.compile(rb"[0-9a-fA-F]{%d,128}" % SHORTEST_ID)
_LOCATION = re.compile(rb"[a-z][a-z0-9+.-]*://.+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class StepRef:
    """`@3`, `@B1`: a step of the active session, or the latest job of it."""

    kind: str
    """"run" or "build"."""
    number: int


@dataclass(frozen=True, slots=True)
class RecentRef:
    """`@-1`: the newest job of the project; `@-2` the one before it."""

    back: int
    """From 1."""


@dataclass(frozen=True, slots=True)
class HexRef:
    """A job id, a session hash, an artifact hash, or a prefix of one; or a file that is called so."""

    prefix: str
    """Lower case."""
    typed: bytes


@dataclass(frozen=True, slots=True)
class PathRef:
    """A file, relative to the caller's directory or absolute."""

    path: bytes


@dataclass(frozen=True, slots=True)
class LocationRef:
    """`s3://bucket/key`: recorded as it stands."""

    location: bytes


Ref: TypeAlias = StepRef | RecentRef | HexRef | PathRef | LocationRef


def parse_ref(typed: bytes) -> Ref:
    """Returns what the word has the form of. Raises BadReference.

    A file called like a reference is reached by `./NAME`.
    """
    if not typed:
        raise BadReference("", "it is empty")
    if b"\0" in typed:
        raise BadReference(shown(typed), "it holds a NUL byte")
    if typed.startswith(b"@"):
        return _parse_step(typed)
    if _LOCATION.fullmatch(typed):
        return LocationRef(typed)
    if _HEX.fullmatch(typed):
        return HexRef(typed.decode().lower(), typed)
    return PathRef(typed)


def _parse_step(typed: bytes) -> StepRef | RecentRef:
    if match := _STEP.fullmatch(typed):
        return StepRef("build" if match[1] else "run", int(match[2]))
    if match := _RECENT.fullmatch(typed):
        return RecentRef(int(match[1]))
    raise BadReference(shown(typed), "after `@` comes a step number, `B` and a build step number, or `-1`")
