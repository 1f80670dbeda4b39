"""The projects that are open. Imports the database only when the first one is opened: it costs 0.4 s and 25 MiB."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roard.config import config_path, template
from roard.durable import sync_directory
from roard.errors import BadRequest, NoProject, NoSpace, ProjectNotWritable
from roard.failpoints import failpoint
from roard.hashing.pool import HashPool
from roard.project_lock import PATIENCE_S, ProjectLock, take

if TYPE_CHECKING:
    from roard.project import Project

IDLE_S = 300.0
"""A project that nobody has asked about for so long is closed; ROAR_PROJECT_IDLE_S says otherwise. Each costs 1 MiB."""
MOST_OPEN = 32
"""Beyond so many, those that were not asked about lately are closed sooner."""
SOON_S = 30.0


@dataclass
class _Open:
    project: Project
    identity: tuple[int, int] | None
    """Device and inode of roar.db when it was opened."""
    lock: ProjectLock
    asked_at: float
    """Monotonic clock, seconds."""
    users: int = 0
    """Work under way that must find it open to its end."""

    def is_current(self) -> bool:
        """Returns whether database and lock are still those that were opened."""
        found = _identity(self.project.store.path)
        return found is not None and found == self.identity and self.lock.is_in_place()


class Projects:
    """Opens projects once, and keeps them open as long as they are asked about. Thread-safe; blocks on the disk."""

    def __init__(self, hashing: HashPool) -> None:
        self._hashing = hashing
        self._lock = threading.Lock()
        self._locks: dict[bytes, threading.Lock] = {}
        self._open: dict[bytes, _Open] = {}
        self._idle_s = float(os.environ.get("ROAR_PROJECT_IDLE_S", IDLE_S))

    def open(self, root: bytes, *, patience_s: float = PATIENCE_S) -> Project:
        """Returns the project at `root`, its database migrated.

        Waits so long for another daemon to give it back. A database that was removed or replaced under the daemon is
        closed, and the one that is there now opened. Raises NoProject, ProjectInUse and what migrate.prepare raises.
        """
        until = time.monotonic() + patience_s
        _check_root(root)
        if root not in self._open:
            # Nothing is kept for what is none.
            check_project(root)
        with self._lock_of(root):
            return self._opened(root, until).project

    @contextmanager
    def use(self, root: bytes) -> Iterator[Project]:
        """Yields what open() returns, for work that takes long: it is not closed meanwhile."""
        until = time.monotonic() + PATIENCE_S
        _check_root(root)
        with self._lock_of(root):
            known = self._opened(root, until)
            known.users += 1
        try:
            yield known.project
        finally:
            with self._lock_of(root):
                known.users -= 1
                known.asked_at = time.monotonic()

    @contextmanager
    def closed(self, root: bytes) -> Iterator[None]:
        """Keeps a project closed, here and for other daemons, while its database is exchanged.

        Waits for a write under way. Raises NoProject, ProjectInUse, ProjectNotWritable, NoSpace.
        """
        until = time.monotonic() + PATIENCE_S
        check_project(root)
        with self._lock_of(root):
            self._close(root)
            lock = take(os.path.join(root, b".roar"), until)
            try:
                yield
            finally:
                lock.give_back()

    def init(self, root: bytes) -> bool:
        """Makes what a project at `root` lacks: `.roar`, its config.toml, its database with an active session.

        Returns whether there was no database. Raises NoProject for what is no directory, ProjectNotWritable, NoSpace.
        """
        _check_root(root)
        if not os.path.isdir(root):
            raise NoProject(root)
        with self._lock_of(root):
            created = not os.path.exists(os.path.join(root, b".roar", b"roar.db"))
            if created:
                self._close(root)
            _make_files(root)
        self.open(root)
        return created

    def opened(self) -> list[Project]:
        """Returns the open projects, by root."""
        return [known.project for _, known in sorted(self._open.copy().items())]

    def close_idle(self, busy: Collection[bytes]) -> int:
        """Closes the projects that nobody asks about any more, and those whose database is gone or another one.

        busy: roots of projects that stay open. Returns how many were closed.
        """
        now = time.monotonic()
        longest_first = sorted(self._open.copy().items(), key=lambda item: item[1].asked_at)
        too_many = len(longest_first) - MOST_OPEN
        closed = 0
        for number, (root, known) in enumerate(longest_first):
            limit_s = min(self._idle_s, SOON_S) if number < too_many else self._idle_s
            if root not in busy and (now - known.asked_at >= limit_s or not known.is_current()):
                closed += self._close_unused(root, known, known.asked_at)
        return closed

    def _close_unused(self, root: bytes, known: _Open, asked_at: float) -> bool:
        with self._lock_of(root):
            # Somebody may have been faster.
            is_unused = self._open.get(root) is known and known.asked_at == asked_at and not known.users
            if is_unused:
                self._close(root)
            return is_unused

    def close(self) -> None:
        """Closes all projects."""
        for project in self.opened():
            with self._lock_of(project.root):
                self._close(project.root)

    def _lock_of(self, root: bytes) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(root, threading.Lock())

    def _opened(self, root: bytes, until: float) -> _Open:
        """Returns an open project, opening it when it is not. The caller holds its lock in this process."""
        known = self._open.get(root)
        if known is None or not known.is_current():
            self._close(root)
            check_project(root)
            lock = take(os.path.join(root, b".roar"), until)
            try:
                known = self._open[root] = _open_at(root, self._hashing, lock)
            except BaseException:
                lock.give_back()
                raise
        known.asked_at = time.monotonic()
        return known

    def _close(self, root: bytes) -> None:
        known = self._open.pop(root, None)
        if known:
            known.project.cache.close()
            known.project.store.close()
            known.lock.give_back()


def _open_at(root: bytes, hashing: HashPool, lock: ProjectLock) -> _Open:
    from roard.db import sessions
    from roard.db.hash_cache import HashCache
    from roard.db.migrate import prepare
    from roard.db.store import Store
    from roard.project import Project

    roar_dir = os.path.join(root, b".roar")
    path = os.path.join(roar_dir, b"roar.db")
    prepare(path, os.path.join(roar_dir, b"backups"))
    store = Store(path)
    try:
        with store.read() as session:
            active = sessions.find_active(session)
        if active is None:
            with store.write() as session:
                sessions.active_session(session, time.time_ns())
    except BaseException:
        store.close()
        raise
    project = Project(root, store, HashCache(os.path.join(roar_dir, b"cache.db")), hashing)
    # Of a database that is gone already: not current, so the next question opens it anew.
    return _Open(project, _identity(path), lock, time.monotonic())


def check_project(root: bytes) -> None:
    """Raises BadRequest for what is no absolute, resolved path, NoProject where there is none."""
    _check_root(root)
    if not any(os.path.exists(os.path.join(root, b".roar", name)) for name in (b"roar.db", b"config.toml")):
        raise NoProject(root)


def _check_root(root: bytes) -> None:
    if not root.startswith(b"/") or b"\0" in root or os.path.normpath(root) != root:
        raise BadRequest("`project_root` is not an absolute, resolved path")


def _identity(path: bytes) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _make_files(root: bytes) -> None:
    try:
        for directory in (os.path.join(root, b".roar"), os.path.join(root, b".roar", b"runs")):
            if not os.path.isdir(directory):
                os.mkdir(directory, 0o700)
                # A database that is on the disk is lost all the same when its directory is not.
                sync_directory(os.path.dirname(directory))
                failpoint("project.directory-made")
        if not os.path.exists(config_path(root)):
            with open(config_path(root), "x", encoding="utf-8") as file:
                file.write(template())
        failpoint("project.files-made")
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise NoSpace(root) from error
        raise ProjectNotWritable(os.path.join(root, b".roar"), error.strerror or str(error)) from error
