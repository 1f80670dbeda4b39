"""The projects that are open. Imports the database only when the first one is opened: it costs 0.4 s and 25 MiB."""

from __future__ import annotations

import errno
import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roard.config import config_path, template
from roard.durable import sync_directory
from roard.errors import BadRequest, NoProject, NoSpace, ProjectNotWritable
from roard.failpoints import failpoint
from roard.hashing.pool import HashPool

if TYPE_CHECKING:
    from roard.project import Project


@dataclass(frozen=True)
class _Open:
    project: Project
    identity: tuple[int, int]
    """Device and inode of roar.db when it was opened."""


class Projects:
    """Opens projects once and keeps them open. Thread-safe; all methods block on the disk."""

    def __init__(self, hashing: HashPool) -> None:
        self._hashing = hashing
        self._lock = threading.Lock()
        self._locks: dict[bytes, threading.Lock] = {}
        self._open: dict[bytes, _Open] = {}

    def open(self, root: bytes) -> Project:
        """Returns the project at `root`, its database migrated. Raises NoProject and what migrate.prepare raises.

        A database that was removed or replaced under the daemon is closed, and the one that is there now opened.
        """
        _check_root(root)
        with self._lock_of(root):
            known = self._open.get(root)
            if known and _identity(known.project.store.path) == known.identity:
                return known.project
            self._close(root)
            check_project(root)
            return self._open_at(root)

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
        return [known.project for _, known in sorted(self._open.items())]

    def close(self) -> None:
        """Closes all projects."""
        for project in self.opened():
            with self._lock_of(project.root):
                self._close(project.root)

    def _lock_of(self, root: bytes) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(root, threading.Lock())

    def _open_at(self, root: bytes) -> Project:
        from roard.db import sessions
        from roard.db.hash_cache import HashCache
        from roard.db.migrate import prepare
        from roard.db.store import Store
        from roard.project import Project

        roar_dir = os.path.join(root, b".roar")
        path = os.path.join(roar_dir, b"roar.db")
        prepare(path, os.path.join(roar_dir, b"backups"))
        project = Project(root, Store(path), HashCache(os.path.join(roar_dir, b"cache.db")), self._hashing)
        with project.store.read() as session:
            active = sessions.find_active(session)
        if active is None:
            with project.store.write() as session:
                sessions.active_session(session, time.time_ns())
        identity = _identity(path)
        if identity is None:
            raise NoProject(root)
        self._open[root] = _Open(project, identity)
        return project

    def _close(self, root: bytes) -> None:
        known = self._open.pop(root, None)
        if known:
            known.project.cache.close()
            known.project.store.close()


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
