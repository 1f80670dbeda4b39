"""What git remembers: old contents of files, and what lies between two commits. Reads objects only, starts nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import pygit2

from roard.context.git import Repository

MOST_COMMITS = 1000
"""That are counted between two."""
MOST_VERSIONS = 300
"""Commits before HEAD that are searched for versions of a file."""


@dataclass(frozen=True)
class CommitLine:
    """A commit in a list."""

    id: str
    summary: str


@dataclass(frozen=True)
class Between:
    """The commits that only one of two others reaches, newest first."""

    only_a: list[CommitLine]
    only_b: list[CommitLine]


class CommitGone(Exception):
    """A commit is not in the repository; the message is its id."""


@dataclass(frozen=True)
class History:
    """The history of the repository that a project is in. For one thread."""

    repository: Repository
    _trees: dict[str, pygit2.Tree | None] = field(default_factory=dict)
    _recent: list[str] = field(default_factory=list)

    def blob_at(self, commit: str, path: bytes) -> pygit2.Blob | None:
        """Returns the content of a file, by absolute path, in a commit; None when it or the commit is not there."""
        if commit not in self._trees:
            self._trees[commit] = self._tree(commit)
        tree, top = self._trees[commit], self.repository.top
        if tree is None or not path.startswith(top):
            return None
        try:
            found = tree[path[len(top) :].decode()]
        except (KeyError, ValueError, pygit2.GitError):
            # libgit2 takes text: a name that is none cannot be looked up.
            return None
        return found if isinstance(found, pygit2.Blob) else None

    def versions(self, path: bytes) -> Iterator[pygit2.Blob]:
        """Yields the contents that a file had in the commits before HEAD, newest first, each once."""
        seen = set()
        for commit in self._commits_before_head():
            blob = self.blob_at(commit, path)
            if blob is not None and blob.id not in seen:
                seen.add(blob.id)
                yield blob

    def between(self, a: str, b: str) -> Between:
        """Returns what lies between two commits, MOST_COMMITS at most. Raises CommitGone."""
        first, second = self._commit(a), self._commit(b)
        return Between(self._only(first, second), self._only(second, first))

    def _commit(self, commit: str) -> pygit2.Commit:
        try:
            return self.repository.handle[commit].peel(pygit2.Commit)
        except (KeyError, ValueError, pygit2.GitError):
            raise CommitGone(commit) from None

    def _tree(self, commit: str) -> pygit2.Tree | None:
        try:
            return self._commit(commit).tree
        except (CommitGone, KeyError, pygit2.GitError):
            return None

    def _only(self, wanted: pygit2.Commit, other: pygit2.Commit) -> list[CommitLine]:
        try:
            walk = self.repository.handle.walk(wanted.id, pygit2.enums.SortMode.TOPOLOGICAL)
            walk.hide(other.id)
            return [_line(commit) for commit in islice(walk, MOST_COMMITS)]
        except (KeyError, pygit2.GitError):
            # A shallow clone, or a damaged one: an ancestor is missing.
            raise CommitGone(str(wanted.id)) from None

    def _commits_before_head(self) -> list[str]:
        if not self._recent:
            handle = self.repository.handle
            try:
                walk = handle.walk(handle.head.target, pygit2.enums.SortMode.TIME)
                self._recent.extend(str(commit.id) for commit in islice(walk, MOST_VERSIONS))
            except (KeyError, pygit2.GitError):
                return []
        return self._recent


def _line(commit: pygit2.Commit) -> CommitLine:
    lines = commit.raw_message.decode("utf-8", "replace").strip().splitlines()
    return CommitLine(str(commit.id), lines[0] if lines else "")
