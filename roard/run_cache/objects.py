"""Contents by their hash: `.roar/objects/aa/HASH`. The directory may be removed at any time, as a whole or in part.

What is in it is only believed once it has been hashed: nothing here is synced to disk.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from blake3 import blake3

from roard.failpoints import failpoint

Progressed: TypeAlias = "Callable[[int], None]"
"""Is told how many bytes were read since the last time."""
_FICLONE = 0x40049409
_CHUNK = 4 << 20
_STAGING = b"new"
_PART = re.compile(rb"[0-9a-f]{2}")
_STALE_S = 3600.0
"""Age at which a file that was being written is what a killed daemon left."""


@dataclass(frozen=True)
class KeptObject:
    """A content in the store."""

    digest: bytes
    size: int
    used_at_ns: int
    """Wall clock: when it was put there, or last restored from."""


@dataclass(frozen=True)
class ObjectStore:
    """The kept contents of one project. Thread-safe, as each change is one rename or one unlink."""

    root: bytes
    """`.roar/objects`; absolute, need not exist."""

    def path_of(self, digest: bytes) -> bytes:
        name = digest.hex().encode()
        return os.path.join(self.root, name[:2], name)

    def has(self, digest: bytes, size: int) -> bool:
        """Returns whether a content seems to be there; restoring it may find it damaged."""
        try:
            return os.stat(self.path_of(digest)).st_size == size
        except OSError:
            return False

    def put(self, path: bytes, digest: bytes, progressed: Progressed = lambda _size: None) -> bool:
        """Keeps the content of a file. Returns False when it is not, or not throughout, that with the digest.

        Raises OSError.
        """
        place = self.path_of(digest)
        with contextlib.suppress(FileNotFoundError):
            # As good as new: the last to go.
            os.utime(place)
            return True
        os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
        staged = self.stage(path, digest, 0o400, progressed)
        if staged is None:
            return False
        failpoint("objects.staged")
        os.rename(staged, place)
        failpoint("objects.renamed")
        return True

    def stage(
        self, path: bytes, digest: bytes, mode: int, progressed: Progressed = lambda _size: None, *, place: bytes = b""
    ) -> bytes | None:
        """Returns a new file with the content of another, in `place` or aside; None: that has not the digest.

        Raises OSError.
        """
        place = place or os.path.join(self.root, _STAGING)
        os.makedirs(place, mode=0o700, exist_ok=True)
        staged = os.path.join(place, b".roar-" + uuid.uuid4().hex.encode())
        try:
            if _copy(path, staged, progressed) == digest:
                os.chmod(staged, mode)
                return staged
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(staged)
            raise
        os.unlink(staged)
        return None

    def used(self, digest: bytes) -> None:
        """Notes that a content was of use just now."""
        with contextlib.suppress(OSError):
            os.utime(self.path_of(digest))

    def remove(self, digest: bytes) -> None:
        """Removes a content, if it is there."""
        with contextlib.suppress(OSError):
            os.unlink(self.path_of(digest))

    def list(self) -> Iterator[KeptObject]:
        """Yields what is kept, in no order. One stat each."""
        for directory in _entries(self.root):
            # Beside them: what is being written, and the key of the project.
            for entry in _entries(directory.path) if _PART.fullmatch(directory.name) else ():
                with contextlib.suppress(OSError, ValueError):
                    found = entry.stat(follow_symlinks=False)
                    yield KeptObject(bytes.fromhex(entry.name.decode()), found.st_size, found.st_mtime_ns)

    def sweep(self) -> None:
        """Removes what killed daemons left half written."""
        before = time.time() - _STALE_S
        for entry in _entries(os.path.join(self.root, _STAGING)):
            with contextlib.suppress(OSError):
                if entry.stat(follow_symlinks=False).st_mtime < before:
                    os.unlink(entry.path)


def _entries(path: bytes) -> list[os.DirEntry[bytes]]:
    try:
        with os.scandir(path) as found:
            return list(found)
    except OSError:
        return []


def _copy(source: bytes, target: bytes, progressed: Progressed) -> bytes:
    """Makes a copy that shares its blocks on disk where the file system can; returns the digest of what is in it."""
    reading = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(reading).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", source)
        writing = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            if _clone(reading, writing):
                return _pass_on(writing, None, progressed)
            return _pass_on(reading, writing, progressed)
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def _clone(reading: int, writing: int) -> bool:
    try:
        fcntl.ioctl(writing, _FICLONE, reading)
    except OSError:
        return False
    return True


def _pass_on(reading: int, writing: int | None, progressed: Progressed) -> bytes:
    """Reads to the end, writes what was read, and returns its digest."""
    hasher = blake3()
    buffer = memoryview(bytearray(_CHUNK))
    with open(reading, "rb", buffering=0, closefd=False) as file:
        while got := file.readinto(buffer):
            left = buffer[:got]
            hasher.update(left)
            while writing is not None and left:
                left = left[os.write(writing, left) :]
            progressed(got)
    return hasher.digest()
