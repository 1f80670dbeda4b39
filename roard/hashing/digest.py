"""The hashes of a file's content, in one read, with the stat that they belong to: BLAKE3, and others on request."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from blake3 import blake3

from roard.hashing.stat_key import same_content
from roard.model import Digest, StatKey

EMPTY = blake3(b"").digest()
"""Of a file without content."""
SMALL = 1 << 20
"""Bytes; up to here a file is read by one call."""
PARALLEL = 16 << 20
"""Bytes; from here on one file is hashed by several cores: below, threads cost more than they bring."""
_SPARE_CORES = 2
"""That must be idle for it: on a busy machine its threads wait for each other, and one alone is three times faster."""
_CHUNK = 1 << 20
_PARALLEL_CHUNK = 16 << 20
# A symbolic link or a FIFO that took the file's place is never followed, and never waited for.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Expected(NamedTuple):
    """A file whose digest is wanted, and the content that it is wanted of."""

    path: bytes
    key: StatKey
    strict: bool
    """See same_content."""


class FileDigest(NamedTuple):
    """The digest of a file, and the stat that it belongs to."""

    digest: bytes
    """BLAKE3. Empty when the file has not, or not throughout, the content that was expected."""
    key: StatKey
    """Taken after the last byte was read."""
    stable: bool
    """The same key was there before the first byte was read: the digest may be kept under it."""
    hashed_at_ns: int
    """Wall clock, before the first byte was read."""
    others: tuple[Digest, ...] = ()
    """By the algorithms that were asked for, in their order; none without `digest`."""


@dataclass
class Progress:
    """How far a set of files is hashed. Written by several threads, read by whoever shows it."""

    files_total: int = 0
    bytes_total: int = 0
    files_done: int = 0
    bytes_done: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, *, files: int = 0, size: int = 0) -> None:
        """Counts what is done."""
        with self._lock:
            self.files_done += files
            self.bytes_done += size

    def expect(self, *, files: int = 0, size: int = 0) -> None:
        """Counts what is to do."""
        with self._lock:
            self.files_total += files
            self.bytes_total += size


class Hashers:
    """All hashes that are wanted of one content, fed side by side."""

    def __init__(self, algorithms: Iterable[str], *, threads: int = 1) -> None:
        self._blake3 = blake3(max_threads=threads)
        # They identify content that somebody else names by them; nothing here relies on their strength.
        self._others = [(name, hashlib.new(name, usedforsecurity=False)) for name in algorithms]

    def update(self, data: bytes | memoryview) -> None:
        """Takes the next part of the content."""
        self._blake3.update(data)
        for _, hasher in self._others:
            hasher.update(data)

    def digest(self) -> bytes:
        """Returns BLAKE3 of what was fed."""
        return self._blake3.digest()

    def others(self) -> tuple[Digest, ...]:
        """Returns the others, in the order of the algorithms."""
        return tuple(Digest(name, hasher.digest()) for name, hasher in self._others)


def empty_content(algorithms: Iterable[str]) -> tuple[Digest, ...]:
    """Returns what EMPTY is by other algorithms."""
    return Hashers(algorithms).others()


def digest_file(wanted: Expected, progress: Progress, algorithms: Sequence[str] = ()) -> FileDigest:
    """Returns the digest of a file when it has the expected content; reads nothing when it has not. Raises OSError.

    algorithms: those wanted beside BLAKE3; they cost time, but no second read.
    """
    fd = os.open(wanted.path, _FLAGS)
    try:
        found = os.fstat(fd)
        before = StatKey.of_stat(found)
        hashed_at_ns = time.time_ns()
        if not stat.S_ISREG(found.st_mode) or not same_content(wanted.key, before, strict=wanted.strict):
            return FileDigest(b"", before, stable=False, hashed_at_ns=hashed_at_ns)
        read = _read_small if before.size <= SMALL else _read_large
        hashers = read(fd, before.size, progress, algorithms)
        after = StatKey.of_stat(os.fstat(fd))
        stable = before == after
        if hashers is None or not (stable or same_content(wanted.key, after, strict=wanted.strict)):
            return FileDigest(b"", after, stable, hashed_at_ns)
        return FileDigest(hashers.digest(), after, stable, hashed_at_ns, hashers.others())
    finally:
        os.close(fd)


def _read_small(fd: int, size: int, progress: Progress, algorithms: Sequence[str]) -> Hashers | None:
    """Returns None when the file is longer or shorter than it says: it grows, or is one of /proc."""
    data = os.read(fd, size + 1)
    progress.add(size=len(data))
    if len(data) != size:
        return None
    hashers = Hashers(algorithms)
    hashers.update(data)
    return hashers


def _read_large(fd: int, size: int, progress: Progress, algorithms: Sequence[str]) -> Hashers | None:
    parallel = size >= PARALLEL and (os.cpu_count() or 1) - os.getloadavg()[0] > _SPARE_CORES
    hashers = Hashers(algorithms, threads=blake3.AUTO if parallel else 1)
    buffer = memoryview(bytearray(_PARALLEL_CHUNK if parallel else _CHUNK))
    with open(fd, "rb", buffering=0, closefd=False) as file:
        while got := file.readinto(buffer):
            hashers.update(buffer[:got])
            progress.add(size=got)
    return hashers
