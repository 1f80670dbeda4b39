"""What git says about a project: commit, branch, remote, dirty state, which files it tracks or ignores."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from roar_proto.v1 import types_pb2

if TYPE_CHECKING:
    import pygit2

MOST_CHANGED = 1000
"""Paths of changed files that a state lists."""
LOW_PRIORITY = 5
_CREDENTIALS = re.compile(r"^([a-z][a-z0-9+.-]*://)[^/]*@", re.IGNORECASE)
_SSH = re.compile(r"(?:git\+)?ssh://", re.IGNORECASE)
_SSH_PASSWORD = re.compile(r"^((?:git\+)?ssh://[^/@:]*):[^/]*@", re.IGNORECASE)
_STATUS = (
    "git", "--no-optional-locks", "-c", "core.fsmonitor=false",
    "status", "--porcelain=v2", "-z", "--untracked-files=normal", "--", ":/", ":(exclude).roar",
)  # fmt: skip


class GitUnreadable(Exception):
    """Git could not be asked; the message says why."""


@dataclass(frozen=True)
class Repository:
    """The git repository that a project is in. pygit2 is imported when the first one is opened: it costs 11 MiB."""

    handle: pygit2.Repository
    top: bytes
    """Absolute path of the work tree, with a slash at the end."""

    def state(self) -> types_pb2.GitState:
        """Returns commit, branch and remote, in a quarter of a millisecond; dirty is left unset."""
        import pygit2

        try:
            branch = "" if self.handle.head_is_detached else self._branch()
            commit = "" if self.handle.head_is_unborn else str(self.handle.head.target)
            remote = self.handle.remotes["origin"].url or "" if "origin" in self.handle.remotes.names() else ""
        except (pygit2.GitError, KeyError, ValueError) as error:
            raise GitUnreadable(str(error)) from error
        return types_pb2.GitState(commit=commit, branch=branch, remote=without_credentials(remote))

    def _branch(self) -> str:
        # Not `head.shorthand`: before the first commit there is no head.
        return str(self.handle.references["HEAD"].target).removeprefix("refs/heads/")

    def is_tracked(self, path: bytes) -> bool:
        """Returns whether the index has a file; absolute path."""
        return path.startswith(self.top) and path[len(self.top) :] in self.index

    def is_ignored(self, path: bytes) -> bool:
        """Returns whether an exclude rule covers a file; absolute path, in the work tree."""
        # libgit2 takes text here; a byte that is none cannot be in a rule either, and the rest of the path decides.
        return bool(self.handle.path_is_ignored(path[len(self.top) :].decode("utf-8", "replace")))

    @cached_property
    def index(self) -> pygit2.Index:
        """What git tracks, read once: a few milliseconds for 10,000 files. Raises GitUnreadable."""
        import pygit2

        try:
            index: pygit2.Index = self.handle.index
        except pygit2.GitError as error:
            raise GitUnreadable(str(error)) from error
        return index


def open_repository(root: bytes) -> Repository | None:
    """Returns the repository that the directory is in, None outside git. Raises GitUnreadable."""
    if not _inside_git(root):
        return None
    import pygit2

    try:
        found = pygit2.discover_repository(os.fsdecode(root))
        if found is None:
            raise GitUnreadable("there is a `.git`, but git does not take it for a repository")
        handle = pygit2.Repository(found)
    except pygit2.GitError as error:
        raise GitUnreadable(str(error)) from error
    if handle.workdir is None:
        return None
    return Repository(handle, os.fsencode(handle.workdir))


def _inside_git(directory: bytes) -> bool:
    """Returns whether a `.git` stands at or above the directory: the answer for most projects without git, unloaded."""
    while not os.path.lexists(os.path.join(directory, b".git")):
        if directory in {b"/", b""}:
            return False
        directory = os.path.dirname(directory)
    return True


def without_credentials(url: str) -> str:
    """Returns the URL of a remote without user name, password or token; the user name of SSH stays, it is no secret."""
    return _SSH_PASSWORD.sub(r"\1@", url) if _SSH.match(url) else _CREDENTIALS.sub(r"\1", url)


def changed_paths(root: bytes) -> list[bytes]:
    """Returns the paths that `git status` lists, relative to the top of the work tree. Raises GitUnreadable.

    Runs beside the job at low priority and takes no lock in the repository, so that the job's own git never waits.
    """
    # A daemon that was started from a git hook has GIT_DIR and the like of another repository.
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        # Not asyncio's: subprocess starts it by vfork(2), which for a process of this size saves 10 ms.
        with subprocess.Popen(
            _STATUS,
            cwd=root,
            env={**own, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, process.pid, LOW_PRIORITY)
            out, err = process.communicate()
    except OSError as error:
        raise GitUnreadable(f"`git status` cannot be started: {error.strerror}") from error
    if process.returncode != 0:
        said = err.decode("utf-8", "replace").strip().splitlines()
        raise GitUnreadable(said[-1] if said else f"`git status` ended with {process.returncode}")
    return parse_status(out)


def parse_status(output: bytes) -> list[bytes]:
    """Returns the paths in the output of `git status --porcelain=v2 -z`; of a rename the new one."""
    paths = []
    entries = iter(output.split(b"\0"))
    for entry in entries:
        kind = entry[:1]
        if kind == b"?":
            paths.append(entry[2:])
        elif kind in {b"1", b"u"}:
            paths.append(entry.split(b" ", 8 if kind == b"1" else 10)[-1])
        elif kind == b"2":
            paths.append(entry.split(b" ", 9)[-1])
            next(entries, None)
    return paths
