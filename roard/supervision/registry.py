"""The projects that daemons of this user have served, so that the next one finds what is left to record."""

from __future__ import annotations

import logging
import os
import threading

from roard.failpoints import failpoint

log = logging.getLogger(__name__)


class Registry:
    """A file of paths, each ended by NUL. Trouble with it is logged: it only makes recording earlier."""

    def __init__(self, path: bytes) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known = frozenset(_read(path))

    def has(self, root: bytes) -> bool:
        """Returns whether a project is noted."""
        return root in self._known

    def add(self, root: bytes) -> None:
        """Notes a project. Thread-safe."""
        with self._lock:
            self._write(self._known | {root})

    def with_runs(self) -> list[bytes]:
        """Returns the projects that have a run directory, and forgets those that are no projects any more."""
        with self._lock:
            alive = {root for root in self._known if os.path.isdir(os.path.join(root, b".roar"))}
            if alive != self._known:
                self._write(frozenset(alive))
        return sorted(root for root in alive if _has_runs(root))

    def _write(self, roots: frozenset[bytes]) -> None:
        self._known = roots
        temporary = b"%s.%d" % (self._path, os.getpid())
        try:
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            with open(temporary, "wb") as file:
                file.write(b"".join(root + b"\0" for root in sorted(roots)))
            failpoint("registry.written")
            os.rename(temporary, self._path)
            failpoint("registry.renamed")
        except OSError as error:
            log.warning("the list of projects cannot be written: %s", error)


def _read(path: bytes) -> list[bytes]:
    try:
        with open(path, "rb") as file:
            return [root for root in file.read().split(b"\0") if root.startswith(b"/")]
    except OSError:
        return []


def _has_runs(root: bytes) -> bool:
    try:
        return bool(os.listdir(os.path.join(root, b".roar", b"runs")))
    except OSError:
        return False
