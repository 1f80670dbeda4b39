"""Plain facts that travel between packages: frozen, typed, without behaviour beyond their own meaning.

Those of which a job has thousands are named tuples: made and compared five times as fast as frozen dataclasses.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from roar_proto.v1 import types_pb2

HARMLESS_WARNINGS = frozenset({"bad-ignore-rule", "nested-tracer", "tracer-fallback"})
"""Codes of warnings that nothing is missing for."""


class StatKey(NamedTuple):
    """Identity of a file's content at rest; equal keys mean the same bytes, not touched in between."""

    dev: int
    ino: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of_stat(cls, found: os.stat_result) -> StatKey:
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    @classmethod
    def of_message(cls, message: types_pb2.StatKey) -> StatKey:
        return cls(message.dev, message.ino, message.size, message.mtime_ns, message.ctime_ns)


class Digest(NamedTuple):
    """The hash of a content by another algorithm than BLAKE3."""

    algorithm: str
    """One of config.ALGORITHMS."""
    digest: bytes


class Content(NamedTuple):
    """What is known about the content of a file: its digest, or why there is none."""

    digest: bytes
    """BLAKE3, 32 bytes; empty when not known."""
    size: int
    """Bytes, of that content."""
    note: str
    """Why there is no digest: "gone", "changed-by-job", "changed-after", "unreadable"; empty when there is one."""
    others: tuple[Digest, ...] = ()
    """By the algorithms that were asked for, as far as the content could still be read."""


class UsedFile(NamedTuple):
    """A file that a job read or wrote and that is recorded."""

    path: bytes
    """Stored form: relative inside the project."""
    role: str
    """"data" or "code"."""
    mark: bool
    """Of an input: it was executed. Of an output: it did not exist before."""
    content: Content
    removed: bool = False
    """Of an input: the job removed it, or moved it away."""


class DroppedFile(NamedTuple):
    """A file that a job used and a filter left out."""

    path: bytes
    rule: str
    written: bool
    decided_by: bytes = b""
    """Line of `.roarignore`; empty: a rule of roar's own."""


@dataclass(frozen=True)
class JobFacts:
    """Everything that is recorded of a job, but for its step and its ids."""

    run_id: str
    payload_hash: bytes
    kind: str
    """"run" or "build"."""
    argv: Sequence[bytes]
    command: str
    """argv quoted for a shell, undecodable bytes as U+FFFD."""
    cwd: bytes
    """Stored form."""
    status: str
    """"ok", "failed" or "interrupted"."""
    exit_code: int | None
    exit_signal: int | None
    started_at_ns: int
    duration_ns: int
    tracer: str
    events_lost: int
    """Events that a backend saw and could not hand over."""
    hostname: str
    user: str
    roar_version: str
    git: types_pb2.GitState | None
    inputs: Sequence[UsedFile]
    outputs: Sequence[UsedFile]
    dropped: Sequence[DroppedFile]
    processes: Sequence[types_pb2.Process]
    warnings: Sequence[types_pb2.Warning]
    content_hash: bytes
    """What the session's hash knows of the job (record.py)."""
    cached_from: str = ""
    """Id of the job whose outputs were put in place instead of running the command."""
    machine: types_pb2.Machine | None = None


@dataclass(frozen=True)
class CacheEntry:
    """What is known of the kept outputs of a job."""

    command: bytes
    """See run_cache/keep.py, as for the next."""
    fingerprint: bytes
    refused: str
    """Why they can never stand for those of another run; empty: they can."""


@dataclass(frozen=True, slots=True)
class RecordedJob:
    """A job in the database."""

    id: int
    uid: str
    payload_hash: bytes


@dataclass(frozen=True)
class Shape:
    """What a command is, without its parameters."""

    text: str
    """The same for two commands that are the same step."""
    name: str
    """For people: the script without its directories, else program and subcommand."""


@dataclass(frozen=True)
class Command:
    """A command taken to pieces."""

    shape: Shape
    parameters: int
    """Index in argv of the first word that is not program, script or subcommand; its length when there is none."""
    script: int | None = None
    """Index of the script when it stands among the parameters (`torchrun -n 2 train.py`)."""


@dataclass(frozen=True)
class StepCandidate:
    """A step of the session, stood for by its latest job; or a new job that looks for its step."""

    step_id: int
    """0 for the new job."""
    argv: Sequence[bytes]
    cwd: bytes
    """Stored form."""
    outputs: frozenset[bytes]
    """Data files that the job wrote; stored paths."""
