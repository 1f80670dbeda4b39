"""Which of a job's outputs are its own, so that they may go with it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from roard.content import contents_now
from roard.context.git import GitUnreadable, open_repository
from roard.hashing.digest import Progress
from roard.model import StatKey
from roard.paths import to_absolute
from roard.project import Project
from roard.trash import key_at

_FOREIGN = (b".git", b".roar")
"""A directory of the project that has one of these is the top of something else."""


@dataclass(frozen=True)
class Output:
    """A data file that a job wrote."""

    path: bytes
    """Stored form."""
    size: int
    digest: bytes
    """Empty when not known."""
    created: bool


@dataclass(frozen=True)
class Judged:
    """An output, and whether it goes with its job."""

    output: Output
    kept: str = ""
    """Why it stays, see PoppedFile in jobs.proto; empty: it goes."""
    detail: str = ""
    key: StatKey | None = None
    """Of the content that was compared; set when it goes."""


def judge(project: Project, outputs: Sequence[Output], users: Mapping[bytes, str]) -> list[Judged]:
    """Returns for each output whether it is the job's own: made by it, as it is now, and used by nobody else.

    users: the kept jobs that made or used a path. Git is asked last, when the hashing, which may take long, is over.
    Must not be called in a transaction: it may read a lot.
    """
    device = os.stat(os.path.join(project.root, b".roar")).st_dev
    # Looked at once each, not once a file.
    directories = {os.path.dirname(output.path) for output in outputs if not output.path.startswith(b"/")}
    places = {directory: _place_of(project.root, directory) for directory in directories}
    judged = [_by_place(project.root, output, users, places, device) for output in outputs]
    going = [one for one in judged if not one.kept]
    contents = contents_now(project, [to_absolute(project.root, one.output.path) for one in going], Progress())
    settled = iter([_by_content(project.root, one, now.digest) for one, now in zip(going, contents, strict=True)])
    tracked = _tracked_by_git(project.root)
    return [one if one.kept else _by_git(project.root, next(settled), tracked) for one in judged]


class _Place(NamedTuple):
    """A directory that a job wrote into."""

    moved: bool
    """It, or one above it, has become a link since."""
    nested: bool
    """It belongs to a repository or a project inside this one."""


def _place_of(root: bytes, directory: bytes) -> _Place:
    path = to_absolute(root, directory)
    return _Place(os.path.realpath(path) != path, _is_nested(root, directory))


def _by_place(
    root: bytes, output: Output, users: Mapping[bytes, str], places: Mapping[bytes, _Place], device: int
) -> Judged:
    if output.path.startswith(b"/"):
        return Judged(output, "outside")
    path = to_absolute(root, output.path)
    try:
        found = os.lstat(path)
    except OSError:
        return Judged(output, "gone")
    place = places[os.path.dirname(output.path)]
    if not stat.S_ISREG(found.st_mode) or place.moved:
        return Judged(output, "changed")
    if place.nested:
        return Judged(output, "nested")
    if user := users.get(output.path):
        return Judged(output, "shared", user)
    if not output.created:
        return Judged(output, "existed")
    if not output.digest:
        return Judged(output, "unhashed")
    if found.st_dev != device:
        return Judged(output, "other-disk")
    return Judged(output, key=StatKey.of_stat(found))


def _is_nested(root: bytes, directory: bytes) -> bool:
    while directory:
        if any(os.path.lexists(os.path.join(root, directory, name)) for name in _FOREIGN):
            return True
        directory = os.path.dirname(directory)
    return False


def _by_content(root: bytes, judged: Judged, digest: bytes) -> Judged:
    """Returns the verdict on a file whose content has just been read."""
    if digest != judged.output.digest or key_at(to_absolute(root, judged.output.path)) != judged.key:
        return Judged(judged.output, "changed")
    return judged


def _by_git(root: bytes, judged: Judged, tracked: Callable[[bytes], bool] | str) -> Judged:
    if judged.kept:
        return judged
    if isinstance(tracked, str):
        return Judged(judged.output, "git-unreadable", tracked)
    return Judged(judged.output, "tracked") if tracked(to_absolute(root, judged.output.path)) else judged


def _tracked_by_git(root: bytes) -> Callable[[bytes], bool] | str:
    """Returns whether git tracks a file, as a function of its absolute path; why nobody knows, when git cannot say."""
    try:
        repository = open_repository(root)
        if repository is None:
            return lambda _path: False
        # Read now: a broken index must not surprise in the middle.
        _ = repository.index
    except GitUnreadable as error:
        return str(error)
    return repository.is_tracked
