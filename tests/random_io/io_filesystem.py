"""A small file system in memory, as Linux has it: inodes, names, links, descriptors. Knows what a job did to each file.

Own work beside the reducer in `tracers/trace`, and on other grounds: here every object is known, there only events are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

LINKS_MAX = 40
"""Symbolic links that the kernel follows in one path."""


class FailedError(Exception):
    """The system call fails, and does nothing."""


class UnspecifiedError(Exception):
    """What happens is not worth a rule, or leaves the folder of the program: generators do without it."""

    line: int | None = None
    """Of the program, where that is known."""


class Kind(Enum):
    """What an inode is."""

    FILE = "file"
    DIRECTORY = "dir"
    LINK = "symlink"


@dataclass(eq=False)
class Inode:
    """A file, directory or symbolic link, with or without names."""

    kind: Kind
    content: bytearray = field(default_factory=bytearray)
    target: str = ""
    entries: dict[str, Name] = field(default_factory=dict)
    executable: bool = False
    old: bool = False
    """It existed before the job."""
    size_before: int = 0
    changed: bool = False
    """The job wrote it, or set its length."""
    wiped: bool = False
    """Opened with O_TRUNC: all content is the job's."""
    names: int = 0
    linkable: bool = False
    """Has no name yet, and may get one (O_TMPFILE)."""

    def put(self, at: int, data: bytes) -> None:
        """Writes as write(2) does; a gap before `at` is filled with zeros."""
        if not data:
            return
        self.content.extend(bytes(max(0, at - len(self.content))))
        self.content[at : at + len(data)] = data
        self.changed = True

    def resize(self, size: int) -> None:
        """Sets the length as ftruncate(2) does: the file counts as changed even if that was its length."""
        del self.content[size:]
        self.content.extend(bytes(size - len(self.content)))
        self.changed = True


@dataclass(eq=False)
class Name:
    """An entry of a directory; keeps its identity when it is renamed, so that descriptors stay with it."""

    inode: Inode
    parent: Name | None
    text: str
    alive: bool = True
    source: str | None = None
    """Path at which the content under this name was before the job."""
    placed: bool = False
    """Put here by the job: made, renamed or linked."""
    used: bool = False
    """The job did something with the file by this name."""

    @property
    def path(self) -> str:
        """Relative to the folder of the program."""
        parts, at = [], self
        while at.parent is not None:
            parts.append(at.text)
            at = at.parent
        return "/".join(reversed(parts))

    def is_at_or_below(self, other: Name) -> bool:
        at: Name | None = self
        while at is not None:
            if at is other:
                return True
            at = at.parent
        return False

    def files(self) -> Iterator[Name]:
        """Yields all names of regular files at and below this one."""
        if self.inode.kind is Kind.FILE:
            yield self
        for entry in list(self.inode.entries.values()):
            yield from entry.files()


@dataclass(frozen=True)
class Spot:
    """Where a path leads: a name in a directory, which may be free."""

    parent: Name | None
    """None: the path ends in `.` or `..`, or in a descriptor of /proc."""
    text: str
    name: Name | None
    magic: bool = False
    """It ends in a descriptor of /proc."""

    def existing(self) -> Name:
        if self.name is None:
            raise FailedError
        return self.name

    def free(self) -> Name:
        """Returns the directory in which a new name may be made."""
        if self.name is not None or self.parent is None or not self.parent.alive:
            raise FailedError
        return self.parent

    def removable(self) -> Name:
        """Returns the name, which may be renamed or removed."""
        if self.name is None or self.parent is None:
            raise FailedError
        return self.name


@dataclass(eq=False)
class OpenFile:
    """An open file description."""

    name: Name
    reads: bool = False
    writes: bool = False
    appends: bool = False
    is_path: bool = False
    offset: int = 0

    @property
    def inode(self) -> Inode:
        return self.name.inode

    def for_reading(self) -> OpenFile:
        return self._checked(allowed=self.reads)

    def for_writing(self) -> OpenFile:
        return self._checked(allowed=self.writes)

    def _checked(self, *, allowed: bool) -> OpenFile:
        if self.is_path or not allowed or self.inode.kind is not Kind.FILE:
            raise FailedError
        return self


class Tree:
    """The folder of a program."""

    def __init__(self) -> None:
        self.root = Name(Inode(Kind.DIRECTORY), None, "")

    def walk(self, start: Name, path: str, *, follow: bool) -> Spot:
        """Returns where a path leads; `follow`: also when a symbolic link is at its end.

        Raises FailedError, UnspecifiedError.
        """
        at, links = self._start(start, path), 0
        parts = _parts(path)
        while parts:
            part, *parts = parts
            if at.inode.kind is not Kind.DIRECTORY:
                raise FailedError
            if part in {".", ".."}:
                at = at if part == "." else _parent(at)
                continue
            entry = at.inode.entries.get(part)
            if entry is not None and entry.inode.kind is Kind.LINK and (parts or follow):
                links += 1
                at, parts = self._start(at, entry.inode.target), _parts(entry.inode.target) + parts
            elif not parts:
                return Spot(at, part, entry)
            elif entry is None:
                raise FailedError
            else:
                at = entry
            if links > LINKS_MAX:
                raise FailedError
        return Spot(None, ".", at)

    def _start(self, here: Name, path: str) -> Name:
        return self.root if path.startswith("@") else here

    @staticmethod
    def add(parent: Name, text: str, inode: Inode, *, source: str | None = None, placed: bool = True) -> Name:
        """Makes a name."""
        name = Name(inode, parent, text, source=source, placed=placed, used=placed)
        parent.inode.entries[text] = name
        inode.names += 1
        return name

    @staticmethod
    def remove(name: Name) -> None:
        """Removes a name; what is open stays open."""
        assert name.parent is not None
        del name.parent.inode.entries[name.text]
        name.alive = False
        name.inode.names -= 1

    @staticmethod
    def move(name: Name, parent: Name, text: str) -> None:
        """Gives a name that is in no directory at the moment another place."""
        name.parent, name.text = parent, text
        parent.inode.entries[text] = name

    def everything(self) -> Iterator[Name]:
        """Yields all names but that of the root."""
        waiting = [self.root]
        while waiting:
            entries = list(waiting.pop().inode.entries.values())
            yield from entries
            waiting.extend(entries)


def _parts(path: str) -> list[str]:
    return [part for part in path.lstrip("@").split("/") if part]


def _parent(name: Name) -> Name:
    if name.parent is None:
        raise UnspecifiedError("above the program's folder")
    return name.parent
