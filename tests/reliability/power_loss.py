"""A disk that loses what was not synced: the system calls of a traced process, replayed up to any of them.

What POSIX promises, and no more: content of a file is on the disk after fsync(2) of the file, a name after fsync(2) of
its directory. Of everything else any part may be: some of the writes, each perhaps to a sector's end only, and of the
changes to the names in a directory the first few, since all journals keep these in order.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CALLS = (
    "open,openat,creat,write,writev,pwrite64,pwritev,pwritev2,ftruncate,truncate,fsync,fdatasync,"
    "rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,link,linkat,symlink,symlinkat,copy_file_range,sendfile"
)
STRACE = ("strace", "-f", "-y", "-xx", "-s", "1000000000", "--seccomp-bpf", "-e", f"trace={CALLS}", "-e", "signal=none")
SECTOR = 512
_CALL = re.compile(r"(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+)(?:<(.*?)>)?")
_ARGUMENT = re.compile(r'(?:AT_FDCWD|\d+)<[^>]*>|"[^"]*"|[^,\s][^,]*')
_UNFINISHED = " <unfinished ...>"
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)")


@dataclass(frozen=True)
class Call:
    """A system call that has succeeded."""

    began: int
    ended: int
    """Lines of the trace."""
    name: str
    arguments: list[str]
    result: str


def calls(trace: Path, top: str) -> Iterator[Call]:
    """Yields the calls of a trace by strace that name something below a directory, in the order in which they ended."""
    ours = "".join(f"\\x{byte:02x}" for byte in os.fsencode(top))
    begun: dict[str, tuple[int, str]] = {}
    with trace.open(encoding="ascii") as lines:
        for number, line in enumerate(lines):
            pid, _, text = line.rstrip("\n").partition(" ")
            text = text.lstrip()
            if text.endswith(_UNFINISHED):
                begun[pid] = number, text.removesuffix(_UNFINISHED)
                continue
            began = number
            if resumed := _RESUMED.match(text):
                began, head = begun.pop(pid)
                text = head + resumed[1]
            match = _CALL.match(text)
            if match and ours in text and not match[3].startswith("-"):
                yield Call(began, number, match[1], _ARGUMENT.findall(match[2]), match[4] or "")


@dataclass
class Inode:
    """A file or a directory: what is on the disk, and what is not there for sure."""

    content: bytearray = field(default_factory=bytearray)
    writes: list[tuple[int, int, bytes | None]] = field(default_factory=list)
    """When, where, what; None: cut to this length."""
    names: dict[str, Inode] | None = None
    """Of a directory."""
    changes: list[tuple[int, dict[str, Inode | None]]] = field(default_factory=list)
    """When, and what the names stand for then; None: for nothing."""

    def sync(self, before: int) -> None:
        """Brings to the disk what was done before a moment."""
        for when, offset, data in self.writes:
            if when < before:
                _apply(self.content, offset, data)
        self.writes = [write for write in self.writes if write[0] >= before]
        for when, change in self.changes:
            if when < before and self.names is not None:
                _rename(self.names, change)
        self.changes = [change for change in self.changes if change[0] >= before]


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
    else:
        content.extend(bytes(max(0, offset - len(content))))
        content[offset : offset + len(data)] = data


def _rename(names: dict[str, Inode], change: dict[str, Inode | None]) -> None:
    for name, inode in change.items():
        if inode is None:
            names.pop(name, None)
        else:
            names[name] = inode


@dataclass
class Disk:
    """Everything below a directory, as the processes see it and as it would be found after a power failure."""

    top: str
    seen: dict[str, Inode] = field(default_factory=dict)
    """By path, as the processes see it."""
    now: int = 0
    """Line of the trace in which the latest call ended."""
    moved: list[tuple[str, str]] = field(default_factory=list)
    """Every rename so far, also of what was not known."""
    _ends: dict[str, int] = field(default_factory=dict)
    """Where write(2) to a path goes on."""

    @staticmethod
    def of(top: Path) -> Disk:
        """Returns the disk with what is there now, all of it synced."""
        disk = Disk(str(top), {str(top): Inode(names={})})
        for folder, folders, files in os.walk(top):
            for name in folders + files:
                path = Path(folder, name)
                inode = Inode(names={}) if path.is_dir() else Inode(bytearray(path.read_bytes()))
                disk.seen[str(path)] = inode
                parent = disk.seen[folder].names
                assert parent is not None
                parent[name] = inode
        return disk

    def removed_runs(self) -> list[str]:
        """Returns the runs whose directory the daemon has begun to remove: of them nothing else is left."""
        return [os.path.basename(old) for old, new in self.moved if os.path.basename(new).startswith("done-")]

    def replay(self, call: Call) -> None:
        """Does what a call did, if it concerns this disk."""
        self.now = call.ended
        name, arguments = call.name, call.arguments
        if name in {"open", "openat", "creat"}:
            self._open(arguments, _text(call.result))
        elif name in {"fsync", "fdatasync"}:
            self._sync(_fd_path(arguments[0]), call.began)
        elif name in {"write", "pwrite64"}:
            self._write(name, arguments)
        elif name == "ftruncate":
            self._cut(_fd_path(arguments[0]), int(arguments[1]))
        else:
            self._rearrange(name, list(_paths(arguments)))

    def _rearrange(self, name: str, paths: list[str]) -> None:
        if name.startswith("mkdir"):
            self._change(paths[0], Inode(names={}))
        elif name.startswith(("unlink", "rmdir")):
            self._change(paths[0], None)
        elif name.startswith("rename"):
            self._move(*paths)
        else:
            raise AssertionError(f"cannot replay {name} of {paths}")

    def _open(self, arguments: list[str], path: str) -> None:
        flags = next(argument for argument in arguments if argument.startswith("O_"))
        # The index of SQLite's log is memory that processes share, worth nothing after a power failure.
        if path.endswith("-shm") or (path not in self.seen and "O_CREAT" not in flags):
            return
        if path not in self.seen:
            self._change(path, Inode())
        if "O_TRUNC" in flags:
            self._cut(path, 0)
        self._ends[path] = len(self._image(path)) if "O_APPEND" in flags else 0

    def _image(self, path: str) -> bytearray:
        inode = self.seen[path]
        content = bytearray(inode.content)
        for _, offset, data in inode.writes:
            _apply(content, offset, data)
        return content

    def _sync(self, path: str, began: int) -> None:
        if path in self.seen:
            self.seen[path].sync(began)

    def _write(self, name: str, arguments: list[str]) -> None:
        path = _fd_path(arguments[0])
        if path not in self.seen:
            return
        data = _bytes(arguments[1])
        offset = int(arguments[3]) if name == "pwrite64" else self._ends.get(path, 0)
        if name == "write":
            self._ends[path] = offset + len(data)
        self.seen[path].writes.append((self.now, offset, data))

    def _cut(self, path: str, length: int) -> None:
        if path in self.seen:
            self.seen[path].writes.append((self.now, length, None))

    def _change(self, path: str, inode: Inode | None) -> None:
        folder, _, name = path.rpartition("/")
        if inode is None:
            self.seen.pop(path, None)
        else:
            self.seen[path] = inode
        if folder in self.seen:
            self.seen[folder].changes.append((self.now, {name: inode}))

    def _move(self, old: str, new: str) -> None:
        self.moved.append((old, new))
        inode = self.seen.pop(old, None)
        if inode is None:
            return
        (folder, _, name), (new_folder, _, new_name) = old.rpartition("/"), new.rpartition("/")
        assert folder == new_folder, "a move between directories is not replayed"
        for path in [path for path in self.seen if path.startswith(old + "/")]:
            self.seen[new + path.removeprefix(old)] = self.seen.pop(path)
        self.seen[new] = inode
        self.seen[folder].changes.append((self.now, {name: None, new_name: inode}))

    def lose_power(self, chance: random.Random, target: Path) -> None:
        """Writes what may be found after a power failure at this moment into an empty directory."""
        _rebuild(self.seen[self.top], chance, target)


def _rebuild(inode: Inode, chance: random.Random, target: Path) -> None:
    if inode.names is None:
        target.write_bytes(_some_of(inode, chance))
        return
    target.mkdir()
    names = dict(inode.names)
    for _, change in inode.changes[: chance.randint(0, len(inode.changes))]:
        _rename(names, change)
    for name, child in names.items():
        _rebuild(child, chance, target / name)


def _some_of(inode: Inode, chance: random.Random) -> bytes:
    """Returns what is synced and some of what is not: with even chances none, all, or any of the writes."""
    content = bytearray(inode.content)
    share = chance.choice((0.0, 0.5, 1.0))
    for _, offset, data in inode.writes:
        if chance.random() >= share:
            continue
        is_torn = data is not None and len(data) > SECTOR and share < 1 and chance.random() < share
        whole = data[: SECTOR * chance.randint(1, len(data) // SECTOR)] if data and is_torn else data
        _apply(content, offset, whole)
    return bytes(content)


def _bytes(quoted: str) -> bytes:
    assert quoted.startswith('"'), quoted
    return bytes.fromhex(quoted[1:-1].replace("\\x", ""))


def _text(hexadecimal: str) -> str:
    return os.fsdecode(bytes.fromhex(hexadecimal.replace("\\x", ""))) if hexadecimal.startswith("\\x") else hexadecimal


def _fd_path(argument: str) -> str:
    return _text(argument.partition("<")[2].rstrip(">"))


def _paths(arguments: list[str]) -> Iterator[str]:
    """Yields the paths among arguments; one after a directory's descriptor is relative to that."""
    folder = ""
    for argument in arguments:
        if argument.startswith('"'):
            yield os.path.join(folder, os.fsdecode(_bytes(argument)))
        elif "<" in argument:
            folder = _fd_path(argument)
