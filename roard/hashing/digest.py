"""BLAKE3 of a file's content, in one read, with the stat that it belongs to."""

from __future__ import annotations

import os
import stat
import threading
import time
from dataclasses import dataclass, field
from typing import NamedTuple

from blake3 import blake3

from roard.hashing.stat_key import same_content
from roard.model import StatKey

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
    """Empty when the file has not, or not throughout, the content that was expected."""
    key: StatKey
    """Taken after the last byte was read."""
    stable: bool
    """The same key was there before the first byte was read: the digest may be kept under it."""
    hashed_at_ns: int
    """Wall clock, before the first byte was read."""


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


def digest_file(wanted: Expected, progress: Progress) -> FileDigest:
    """Returns the digest of a file when it has the expected content; reads nothing when it has not. Raises OSError."""
    fd = os.open(wanted.path, _FLAGS)
    try:
        found = os.fstat(fd)
        before = StatKey.of_stat(found)
        hashed_at_ns = time.time_ns()
        if not stat.S_ISREG(found.st_mode) or not same_content(wanted.key, before, strict=wanted.strict):
            return FileDigest(b"", before, stable=False, hashed_at_ns=hashed_at_ns)
        read = _read_small if before.size <= SMALL else _read_large
        digest = read(fd, before.size, progress)
        after = StatKey.of_stat(os.fstat(fd))
        stable = before == after
        if not stable and not same_content(wanted.key, after, strict=wanted.strict):
            digest = b""
        return FileDigest(digest, after, stable, hashed_at_ns)
    finally:
        os.close(fd)


def _read_small(fd: int, size: int, progress: Progress) -> bytes:
    """Returns the digest, empty when the file is longer or shorter than it says: it grows, or is one of /proc."""
    data = os.read(fd, size + 1)
    progress.add(size=len(data))
    return blake3(data).digest() if len(data) == size else b""


def _read_large(fd: int, size: int, progress: Progress) -> bytes:
    parallel = size >= PARALLEL and (os.cpu_count() or 1) - os.getloadavg()[0] > _SPARE_CORES
    hasher = blake3(max_threads=blake3.AUTO if parallel else 1)
    buffer = memoryview(bytearray(_PARALLEL_CHUNK if parallel else _CHUNK))
    with open(fd, "rb", buffering=0, closefd=False) as file:
        while got := file.readinto(buffer):
            hasher.update(buffer[:got])
            progress.add(size=got)
    return hasher.digest()
