"""`.roar/lock`: held by the one daemon that has a project open, with its name in it for whoever is refused."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import select
import socket
import time
from dataclasses import dataclass

from roard.errors import NoSpace, ProjectInUse, ProjectNotWritable

log = logging.getLogger(__name__)

PATIENCE_S = 10.0
"""How long a daemon waits for another one to give a project back."""
_LOOK_AGAIN_MS = 50
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS})


@dataclass(frozen=True)
class Holder:
    """Who wrote into a lock file last."""

    pid: int
    host: str
    since_ns: int
    """Wall clock."""


@dataclass(frozen=True)
class ProjectLock:
    """The lock of one project, ours until it is given back or the process ends."""

    path: bytes
    fd: int

    def is_in_place(self) -> bool:
        """Returns whether the file that is locked is still the one that others find."""
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self.fd))
        except OSError:
            return False

    def give_back(self) -> None:
        """Lets the next daemon have the project. The file stays: removing it would let two hold it."""
        os.close(self.fd)


def take(roar_dir: bytes, until: float) -> ProjectLock:
    """Returns the lock of a project, waiting for another daemon to give it back; until: monotonic clock, seconds.

    Raises ProjectInUse, ProjectNotWritable, NoSpace.
    """
    path = os.path.join(roar_dir, b"lock")
    while True:
        lock = ProjectLock(path, _open(path))
        try:
            is_ours = _try(lock) and lock.is_in_place()
        except BaseException:
            lock.give_back()
            raise
        if is_ours:
            _sign(lock)
            return lock
        lock.give_back()
        if time.monotonic() >= until:
            raise _in_use(roar_dir)
        select.select([], [], [], _LOOK_AGAIN_MS / 1000)


def read_holder(roar_dir: bytes) -> Holder | None:
    """Returns who took the lock of a project last; None: nobody ever did, or the file does not say."""
    try:
        with open(os.path.join(roar_dir, b"lock"), encoding="ascii", errors="replace") as file:
            pid, host, since = file.read(1024).split()
            return Holder(int(pid), host, int(since))
    except (OSError, ValueError):
        return None


def _open(path: bytes) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise NoSpace(path) from error
        raise ProjectNotWritable(path, error.strerror or str(error)) from error


def _try(lock: ProjectLock) -> bool:
    try:
        fcntl.flock(lock.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise ProjectNotWritable(lock.path, error.strerror or str(error)) from error
        # SQLite's own locks do not work there either; refusing would help nobody.
        log.warning("%r: the file system has no locks: %s", lock.path, error)
    return True


def _sign(lock: ProjectLock) -> None:
    host = socket.gethostname().encode("ascii", "replace").replace(b" ", b"-") or b"-"
    # Only for people: on a full disk the lock holds without it.
    with contextlib.suppress(OSError):
        os.ftruncate(lock.fd, 0)
        os.pwrite(lock.fd, b"%d %s %d\n" % (os.getpid(), host, time.time_ns()), 0)


def _in_use(roar_dir: bytes) -> ProjectInUse:
    holder = read_holder(roar_dir)
    who = f"pid {holder.pid} on {holder.host}" if holder else "another process"
    return ProjectInUse(os.path.dirname(roar_dir), who)
