"""Finds contents again that jobs used: on disk, where nothing was written since, and in git."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from blake3 import blake3
from roar_proto.v1 import types_pb2

from roard.context.git import GitUnreadable, open_repository
from roard.paths import to_absolute
from roard.project import Project

if TYPE_CHECKING:
    from roard.context.git_history import History

MOST_BYTES = 1 << 20
"""Of a content that is read."""


@dataclass(frozen=True)
class Wanted:
    """A content as it was recorded."""

    path: bytes
    """Stored form."""
    digest: bytes
    size: int


@dataclass
class Contents:
    """Where old contents may be."""

    root: bytes
    history: History | None
    problem: str = ""
    """Why there is no history although there is a repository."""
    commits: Collection[str] = ()
    """Those that were current when the jobs ran."""
    places: dict[bytes, list[bytes]] = field(default_factory=dict)
    """Other paths at which a digest was recorded, by digest; stored form."""
    _found: dict[bytes, bytes | None] = field(default_factory=dict)

    def find(self, wanted: Wanted) -> bytes | None:
        """Returns the content with this digest; None when it is nowhere any more, or larger than MOST_BYTES."""
        if wanted.digest not in self._found:
            self._found[wanted.digest] = self._search(wanted)
        return self._found[wanted.digest]

    def committed(self, path: bytes, git: types_pb2.GitState) -> bytes | None:
        """Returns what a commit has at a path; None when that is nothing, too large, or the commit is gone."""
        blob = self.history.blob_at(git.commit, to_absolute(self.root, path)) if self.history else None
        return bytes(blob.data) if blob is not None and blob.size <= MOST_BYTES else None

    def is_dirty(self, path: bytes, digest: bytes, git: types_pb2.GitState) -> bool:
        """Returns whether what a job used is known not to be what its commit has; False for an unknown content."""
        if not digest:
            return False
        absolute = to_absolute(self.root, path)
        if self.history is not None and git.commit and (committed := self.committed(path, git)) is not None:
            return blake3(committed).digest() != digest
        top = self.history.repository.top if self.history else to_absolute(self.root, b"") + b"/"
        name = absolute.removeprefix(top)
        # Of an untracked directory git lists no more than its name.
        return any(
            name == changed or (changed.endswith(b"/") and name.startswith(changed)) for changed in git.changed_paths
        )

    def _search(self, wanted: Wanted) -> bytes | None:
        if not wanted.digest or wanted.size > MOST_BYTES:
            return None
        paths = dict.fromkeys([wanted.path, *self.places.get(wanted.digest, ())])
        absolute = [to_absolute(self.root, path) for path in paths]
        for content in self._candidates(absolute, wanted.size):
            if len(content) == wanted.size and blake3(content).digest() == wanted.digest:
                return content
        return None

    def _candidates(self, paths: Iterable[bytes], size: int) -> Iterator[bytes]:
        for path in paths:
            content = _on_disk(path, size)
            if content is not None:
                yield content
        if self.history is None:
            return
        for path in paths:
            blobs = [self.history.blob_at(commit, path) for commit in self.commits]
            yield from (bytes(blob.data) for blob in blobs if blob is not None and blob.size == size)
        for path in paths:
            yield from (bytes(blob.data) for blob in self.history.versions(path) if blob.size == size)


def open_contents(project: Project) -> Contents:
    """Returns where contents of a project may be found, without any commits yet."""
    try:
        repository = open_repository(project.root)
    except GitUnreadable as error:
        return Contents(project.root, None, problem=str(error))
    if repository is None:
        return Contents(project.root, None)
    # It imports pygit2, which projects without git never load.
    from roard.context.git_history import History

    return Contents(project.root, History(repository))


def _on_disk(path: bytes, size: int) -> bytes | None:
    """Returns a regular file of this size; never waits for a pipe or a device."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size != size:
            return None
        try:
            return file.read(size + 1)
        except OSError:
            return None
