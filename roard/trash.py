"""Where the files of popped jobs are: the way there, and the way back.

A file is renamed into `.roar/trash/DIRECTORY/PATH`, so it is at every moment either there or where it was.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from roard.durable import sync_directory
from roard.failpoints import failpoint
from roard.hashing.stat_key import same_content
from roard.model import StatKey
from roard.paths import to_absolute

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV}
"""A file system without hard links, or a file that has as many as it can."""


class Blocked(Exception):
    """A file cannot be brought back; the message says which, and why."""


def trash_dir(root: bytes) -> bytes:
    """Returns the trash of a project, which need not exist."""
    return os.path.join(root, b".roar", b"trash")


def key_at(path: bytes) -> StatKey | None:
    """Returns the stat of the regular file at a path; None: there is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return StatKey.of_stat(found) if stat.S_ISREG(found.st_mode) else None


def move_away(root: bytes, directory: str, files: Mapping[bytes, StatKey]) -> dict[bytes, str]:
    """Moves files into the trash, and returns those that stay, each with what the system says.

    Idempotent: what is there already is passed over. A file that has changed since its key was taken stays.
    """
    refused: dict[bytes, str] = {}
    for stored, key in files.items():
        path, place = to_absolute(root, stored), _place(root, directory, stored)
        if key_at(path) != key:
            if key_at(place) is None:
                refused[stored] = "it has changed in this moment"
            continue
        try:
            _make_parents(place, 0o700)
            os.rename(path, place)
            failpoint("pop.moved")
        except OSError as error:
            refused[stored] = error.strerror or str(error)
    return refused


def check_way_back(root: bytes, directory: str, files: Mapping[bytes, StatKey]) -> list[bytes]:
    """Returns those files that are neither in the trash nor where they were. Raises Blocked, all that block in it."""
    blocked, lost = [], []
    for stored, key in files.items():
        path = to_absolute(root, stored)
        if is_back(path, key):
            continue
        if os.path.lexists(path):
            blocked.append(f"`{_shown(stored)}` is there again")
        elif os.path.realpath(path) != path or not _is_free(os.path.dirname(path)):
            blocked.append(f"the directory of `{_shown(stored)}` is something else now")
        elif key_at(_place(root, directory, stored)) is None:
            lost.append(stored)
    if blocked:
        raise Blocked(_some(blocked))
    return lost


def is_back(path: bytes, key: StatKey) -> bool:
    """Returns whether a file of a popped job is where it was. Renames and links move its change time."""
    found = key_at(path)
    return found is not None and same_content(key, found, strict=False)


@contextlib.contextmanager
def moved_back(root: bytes, directory: str, files: Mapping[bytes, StatKey]) -> Iterator[None]:
    """Puts files where they were, never over another, all of them and on disk; takes that back when its block fails.

    They keep their name in the trash too, until clear() is called: whoever dies in between loses nothing.
    Raises Blocked.
    """
    done: list[tuple[bytes, bytes]] = []
    try:
        _move_back(root, directory, files, done)
        yield
    except BaseException:
        for place, path in reversed(done):
            _unlink(place, path)
        raise


def _move_back(root: bytes, directory: str, files: Mapping[bytes, StatKey], done: list[tuple[bytes, bytes]]) -> None:
    """Appends to `done` each file that has its name again. Raises Blocked."""
    stored = b""
    try:
        for stored, key in files.items():
            path, place = to_absolute(root, stored), _place(root, directory, stored)
            if is_back(path, key) or key_at(place) is None:
                continue
            _make_parents(path, 0o777)
            _link(place, path)
            done.append((place, path))
            failpoint("undo.restored")
        for parent in {os.path.dirname(path) for _, path in done}:
            sync_directory(parent)
    except OSError as error:
        raise Blocked(f"`{_shown(stored)}`: {error.strerror or error}") from error


def _link(place: bytes, path: bytes) -> None:
    """Gives a file of the trash its old name, which nothing may have."""
    try:
        os.link(place, path)
    except OSError as error:
        if error.errno not in _NO_LINKS or os.path.lexists(path):
            raise
        os.rename(place, path)


def _unlink(place: bytes, path: bytes) -> None:
    """Takes back what _link did."""
    if os.path.lexists(place):
        os.unlink(path)
    else:
        os.rename(path, place)


def clear(root: bytes, directory: str) -> None:
    """Removes from a directory of the trash what is back where it was, and what is empty then."""
    top = os.path.join(trash_dir(root), os.fsencode(directory))
    for found, _, names in os.walk(top, topdown=False):
        for name in names:
            place = os.path.join(found, name)
            path = to_absolute(root, os.path.relpath(place, top))
            if os.path.lexists(path) and os.path.samestat(os.lstat(path), os.lstat(place)):
                os.unlink(place)
        if not os.listdir(found):
            os.rmdir(found)


def clear_others(root: bytes, directories: Collection[str]) -> None:
    """Clears the directories of the trash that belong to no popped job: somebody was killed just before he did it.

    A file that is nowhere else stays: it is of a database that was exchanged since.
    """
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for name in os.listdir(trash_dir(root)):
            if os.fsdecode(name) not in directories:
                clear(root, os.fsdecode(name))


def count_in(root: bytes, directory: str, files: Iterable[bytes]) -> tuple[int, int]:
    """Returns how many of the files are in the trash, and their bytes."""
    sizes = [key.size for stored in files if (key := key_at(_place(root, directory, stored)))]
    return len(sizes), sum(sizes)


def size_of_trash(root: bytes) -> int:
    """Returns the bytes of all files in the trash, whoever put them there."""
    found = (os.path.join(top, name) for top, _, names in os.walk(trash_dir(root)) for name in names)
    return sum(key.size for path in found if (key := key_at(path)))


def _place(root: bytes, directory: str, stored: bytes) -> bytes:
    return os.path.join(trash_dir(root), os.fsencode(directory), stored)


def _make_parents(path: bytes, mode: int) -> None:
    os.makedirs(os.path.dirname(path), mode=mode, exist_ok=True)


def _is_free(directory: bytes) -> bool:
    """Returns whether a directory is there or can be made."""
    while not os.path.lexists(directory):
        directory = os.path.dirname(directory)
    return os.path.isdir(directory)


def _shown(stored: bytes) -> str:
    return stored.decode("utf-8", "backslashreplace")


def _some(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{texts[0]}, and {len(texts) - 1} more"
