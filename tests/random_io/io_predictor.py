"""Says what a program does: how each operation goes, what is there at the end, and what the record of it must say.

By the truth rules of `tracers/TRACE_FORMAT.md`, section 4, and nothing that a tracer or the reducer has.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from io_filesystem import FailedError, Inode, Kind, Name, OpenFile, Spot, Tree, UnspecifiedError
from io_program import BLOCKS, Program

SLOTS, MAPS, KIDS, DATA_MAX = 6, 3, 8, 8192
"""As in interpreter.c."""
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
RACED = b"raced"
KINDS = {"file": Kind.FILE, "script": Kind.FILE, "dir": Kind.DIRECTORY, "alias": Kind.LINK}


@dataclass(frozen=True)
class ReadTruth:
    """Content from before that the job used."""

    size: int
    executed: bool
    lies_at: frozenset[str]
    """Paths at which this content lies at the end, unchanged."""
    known_at: frozenset[str]
    """Those of them that the job has used or made: only these can a record know of."""


@dataclass(frozen=True)
class WriteTruth:
    """A file of the end that the job made, changed or moved into place."""

    content: bytes
    created: bool
    """No file was at this path before the job."""


@dataclass(frozen=True)
class Prediction:
    """Everything that is known of a program without running it."""

    said: list[str]
    """What the interpreter prints: line and result."""
    tree: dict[str, tuple[str, bytes]]
    """By path: kind, and content or target."""
    reads: dict[str, ReadTruth]
    writes: dict[str, WriteTruth]


@dataclass(eq=False)
class Slot:
    file: OpenFile
    closed_by_exec: bool = False


@dataclass(eq=False)
class Mapping:
    file: OpenFile
    shared: bool
    writable: bool


@dataclass(eq=False)
class Process:
    """What the threads of a process share."""

    cwd: Name
    slots: list[Slot | None] = field(default_factory=lambda: [None] * SLOTS)
    maps: list[Mapping | None] = field(default_factory=lambda: [None] * MAPS)

    def forked(self) -> Process:
        slots = [slot and Slot(slot.file, slot.closed_by_exec) for slot in self.slots]
        return Process(self.cwd, slots, list(self.maps))

    def executes(self) -> None:
        self.slots = [None if slot is None or slot.closed_by_exec else slot for slot in self.slots]
        self.maps = [None] * MAPS

    def files(self) -> Iterator[OpenFile]:
        yield from (slot.file for slot in self.slots if slot)
        yield from (mapping.file for mapping in self.maps if mapping)


@dataclass(eq=False)
class Runner:
    """A process or thread that executes lines; its children each as what is left of their turn."""

    process: Process
    is_thread: bool = False
    is_child: bool = True
    kids: list[Iterator[None] | None] = field(default_factory=list)


def predict(program: Program, shebang: bytes) -> Prediction:
    """Returns what the program does. `shebang` is the content of its scripts. Raises UnspecifiedError."""
    predictor = Predictor(program, shebang)
    predictor.run_all()
    return predictor.prediction()


class Predictor:
    """Executes one program in a model of the file system."""

    def __init__(self, program: Program, shebang: bytes) -> None:
        self.shebang = shebang
        self.files = Tree()
        self.said: list[str] = []
        self.reads: dict[str, tuple[Inode, bool]] = {}
        self.held: list[OpenFile] = []
        """Inherited descriptors, which the first process never closes."""
        self._plant(program)
        self.before = {name.path for name in self.files.root.files()}
        self.first = Process(self.files.root)
        self.processes = [self.first]
        self.lines = program.lines(range(len(program.inherited)))
        for entry in program.inherited:
            flags = int(entry.words[2], 8) & ~(os.O_CREAT | os.O_TRUNC)
            self.held.append(self._open_existing(self._at(self.first, "-", entry.path), flags))

    def _plant(self, program: Program) -> None:
        for entry in program.tree:
            if entry.kind == "fd":
                continue
            spot = self.files.walk(self.files.root, entry.path, follow=False)
            parent = spot.free()
            if entry.kind == "same":
                inode = self.files.walk(self.files.root, entry.words[2], follow=False).existing().inode
            else:
                inode = Inode(KINDS[entry.kind], old=True)
            if entry.kind == "file":
                inode.content = bytearray(entry.content)
            elif entry.kind == "script":
                inode.content, inode.executable = bytearray(self.shebang), True
            elif entry.kind == "alias":
                inode.target = entry.words[2]
            inode.size_before = len(inode.content)
            self.files.add(parent, spot.text, inode, source=entry.path, placed=False)

    # --- processes ---------------------------------------------------------------------------------------------------

    def run_all(self) -> None:
        me = Runner(self.first, is_child=False)
        for _ in self._run(me, 0, len(self.lines)):
            raise AssertionError("the first process yields to nobody")

    def _run(self, me: Runner, first: int, last: int) -> Iterator[None]:
        at = first
        while at < last:
            if self.lines[at] == "yield":
                if me.is_child:
                    yield
                at += 1
                continue
            try:
                at = self._step(me, at)
            except UnspecifiedError as error:
                error.line = at if error.line is None else error.line
                raise
        for number in range(len(me.kids)):
            while me.kids[number] is not None:
                self._resume(me, number)
        if me.is_child and not me.is_thread:
            self.processes.remove(me.process)

    def _step(self, me: Runner, at: int) -> int:
        """Executes one line; returns the line that follows."""
        words = self.lines[at].split()
        if words[0] in BLOCKS:
            end = self._block_end(at)
            self._start_kid(me, words[0], at + 1, end)
            return end + 1
        self.said.append(f"{at} {self._result(me, words)}")
        return at + 1

    def _block_end(self, at: int) -> int:
        depth = 1
        while depth:
            at += 1
            depth += (self.lines[at] in BLOCKS) - (self.lines[at] == "end")
        return at

    def _start_kid(self, me: Runner, kind: str, first: int, last: int) -> None:
        if len(me.kids) == KIDS:
            raise UnspecifiedError("too many children")
        process = me.process
        if kind != "thread":
            process = process.forked()
            self.processes.append(process)
        if kind == "vexec":
            process.executes()
        kid = Runner(process, is_thread=kind == "thread")
        me.kids.append(self._run(kid, first, last))
        self._resume(me, len(me.kids) - 1)

    @staticmethod
    def _resume(me: Runner, number: int) -> int:
        if number >= len(me.kids):
            raise FailedError
        turn = me.kids[number]
        if turn is None:
            raise FailedError
        try:
            next(turn)
        except StopIteration:
            me.kids[number] = None
        return 0

    def _result(self, me: Runner, words: list[str]) -> str:
        try:
            if words[0] == "resume":
                return str(self._resume(me, int(words[1])))
            if words[0] == "exec":
                return str(self._exec(me))
            do: Callable[..., int | str] = getattr(self, f"_do_{words[0]}")
            return str(do(me.process, *words[1:]))
        except FailedError:
            return "x"

    @staticmethod
    def _exec(me: Runner) -> int:
        if me.is_thread or any(kid is not None for kid in me.kids):
            raise FailedError
        me.process.executes()
        me.kids.clear()
        return 0

    # --- what the rules say ------------------------------------------------------------------------------------------

    def _use(self, name: Name, *, executed: bool = False) -> None:
        """The content under this name is used: a read, if it is still of the file from before."""
        name.used = True
        if not name.inode.old or name.inode.wiped:
            return
        assert name.source is not None
        _, before = self.reads.get(name.source, (name.inode, False))
        self.reads[name.source] = (name.inode, before or executed)

    def _place(self, name: Name) -> None:
        """Everything at and below this name was moved here."""
        for file in name.files():
            self._use(file)
            file.placed = True

    def _open_existing(self, name: Name, flags: int) -> OpenFile:
        mode = flags & os.O_ACCMODE
        reads, writes, inode = mode != os.O_WRONLY, mode != os.O_RDONLY, name.inode
        truncates = bool(flags & os.O_TRUNC)
        if inode.kind is Kind.FILE:
            if inode.old and not name.alive:
                raise UnspecifiedError("a file from before, opened by /proc when its name was gone")
            name.used = True
            if truncates:
                inode.resize(0)
                inode.wiped = True
            elif reads and not (writes and (not inode.content or not inode.size_before)):
                self._use(name)
        return OpenFile(name, reads=reads, writes=writes, appends=bool(flags & os.O_APPEND))

    def prediction(self) -> Prediction:
        ends = list(self.files.root.files())
        writes = {}
        for name in ends:
            moved = name.placed and name.source != name.path
            if not name.inode.old or moved or (name.inode.changed and name.used):
                writes[name.path] = WriteTruth(bytes(name.inode.content), name.path not in self.before)
        reads = {}
        for path, (inode, executed) in self.reads.items():
            names = [name for name in ends if name.inode is inode and not inode.changed]
            lies_at = frozenset(name.path for name in names)
            known_at = frozenset(name.path for name in names if name.used)
            reads[path] = ReadTruth(inode.size_before, executed, lies_at, known_at)
        tree = {}
        for name in self.files.everything():
            inode = name.inode
            tree[name.path] = (inode.kind.value, bytes(inode.content) or inode.target.encode())
        return Prediction(self.said, tree, reads, writes)

    # --- paths and descriptors ---------------------------------------------------------------------------------------

    def _walk(self, process: Process, directory: str, path: str, *, follow: bool) -> Spot:
        start = process.cwd
        if path.startswith("%"):
            slot = process.slots[int(path[1]) % SLOTS]
            if slot is None:
                raise FailedError
            start, path = slot.file.name, path[2:]
            if not path:
                return Spot(None, "", start, magic=True)
        elif directory != "-" and not path.startswith("@"):
            slot = process.slots[int(directory) % SLOTS]
            if slot is None:
                raise FailedError
            start = slot.file.name
        return self.files.walk(start, path, follow=follow)

    def _at(self, process: Process, directory: str, path: str) -> Name:
        return self._walk(process, directory, path, follow=True).existing()

    @staticmethod
    def _slot(process: Process, word: str) -> OpenFile:
        slot = process.slots[int(word) % SLOTS]
        if slot is None:
            raise FailedError
        return slot.file

    @staticmethod
    def _put(process: Process, word: str, file: OpenFile, *, closed_by_exec: bool = False) -> int:
        process.slots[int(word) % SLOTS] = Slot(file, closed_by_exec)
        return 0

    # --- operations, as in interpreter.c -----------------------------------------------------------------------------

    def _do_inherit(self, process: Process, slot: str, number: str) -> int:
        return self._put(process, slot, self.held[int(number)])

    def _do_open(self, process: Process, slot: str, how: str, directory: str, path: str, octal: str) -> int:
        flags = int(octal, 8)
        if how == "creat":
            flags = os.O_CREAT | os.O_WRONLY | os.O_TRUNC
        if how in {"open", "creat"}:
            directory = "-"
        exclusive = flags & os.O_CREAT and flags & os.O_EXCL
        stays = flags & os.O_NOFOLLOW or exclusive
        spot = self._walk(process, directory, path, follow=not stays)
        if spot.magic and stays:
            raise FailedError
        if spot.name is None:
            if not flags & os.O_CREAT:
                raise FailedError
            name = self.files.add(spot.free(), spot.text, Inode(Kind.FILE))
            flags &= ~os.O_TRUNC
        else:
            name = spot.name
            if exclusive:
                raise FailedError
            self._check_open(name, flags)
        file = OpenFile(name, is_path=True) if flags & os.O_PATH else self._open_existing(name, flags)
        return self._put(process, slot, file, closed_by_exec=bool(flags & os.O_CLOEXEC))

    @staticmethod
    def _check_open(name: Name, flags: int) -> None:
        kind = name.inode.kind
        if kind is Kind.LINK or (flags & os.O_DIRECTORY and kind is not Kind.DIRECTORY):
            raise FailedError
        changes = flags & (os.O_CREAT | os.O_TRUNC | os.O_ACCMODE)
        if kind is Kind.DIRECTORY and changes and not flags & os.O_PATH:
            raise FailedError

    def _do_tmpfile(self, process: Process, slot: str, directory: str, octal: str) -> int:
        flags = int(octal, 8)
        parent = self._at(process, "-", directory)
        if parent.inode.kind is not Kind.DIRECTORY or not flags & os.O_ACCMODE:
            raise FailedError
        if not parent.alive:
            raise UnspecifiedError("an unnamed file in a directory that is gone")
        inode = Inode(Kind.FILE, linkable=not flags & os.O_EXCL)
        reads = flags & os.O_ACCMODE == os.O_RDWR
        file = OpenFile(Name(inode, parent, "#", alive=False), reads=reads, writes=True)
        return self._put(process, slot, file, closed_by_exec=bool(flags & os.O_CLOEXEC))

    def _do_read(self, process: Process, slot: str, count: str, offset: str = "") -> str:
        file = self._slot(process, slot).for_reading()
        at = int(offset) if offset else file.offset
        data = bytes(file.inode.content[at : at + min(int(count), DATA_MAX)])
        if not offset:
            file.offset += len(data)
        return "=" + data.hex()

    def _do_write(self, process: Process, slot: str, text: str, repeat: str, offset: str = "") -> int:
        data = (text * min(int(repeat), DATA_MAX // len(text))).encode()
        file = self._slot(process, slot).for_writing()
        at = int(offset) if offset else file.offset
        if file.appends:
            at = len(file.inode.content)
        file.inode.put(at, data)
        if not offset:
            file.offset = at + len(data) if data else file.offset
        return len(data)

    def _do_seek(self, process: Process, slot: str, offset: str) -> int:
        file = self._slot(process, slot)
        if file.is_path:
            raise FailedError
        if file.inode.kind is not Kind.FILE:
            raise UnspecifiedError("a position in a directory")
        file.offset = int(offset)
        return file.offset

    def _do_close(self, process: Process, slot: str) -> int:
        self._slot(process, slot)
        process.slots[int(slot) % SLOTS] = None
        return 0

    def _do_dup(self, process: Process, slot: str, other: str) -> int:
        return self._put(process, other, self._slot(process, slot))

    def _do_ftruncate(self, process: Process, slot: str, size: str) -> int:
        self._slot(process, slot).for_writing().inode.resize(int(size))
        return 0

    def _do_truncate(self, process: Process, path: str, size: str) -> int:
        name = self._at(process, "-", path)
        if name.inode.kind is not Kind.FILE:
            raise FailedError
        if name.inode.old and not name.alive:
            raise UnspecifiedError("a file from before, truncated by /proc when its name was gone")
        if len(name.inode.content) == int(size):
            raise UnspecifiedError("truncated by name to the length that it has: ext4 sets the time, XFS does not")
        name.used = True
        name.inode.resize(int(size))
        return 0

    def _do_rename(self, process: Process, how: str, dir1: str, path1: str, dir2: str, path2: str, flags: str) -> int:
        if how == "rename":
            dir1 = dir2 = "-"
        bits = int(flags) if how == "renameat2" else 0
        spot = self._walk(process, dir2, path2, follow=False)
        name, parent = self._walk(process, dir1, path1, follow=False).removable(), spot.parent
        other = spot.name
        if parent is None or (other is None and (bits & RENAME_EXCHANGE or not parent.alive)):
            raise FailedError
        if other is not None and bits & RENAME_NOREPLACE:
            raise FailedError
        if parent.is_at_or_below(name) or (other is not None and _holds(other, name)):
            raise FailedError
        if other is not None and other.inode is name.inode:
            return 0
        if bits & RENAME_EXCHANGE and other is not None:
            self._exchange(name, other)
            return 0
        self._replace(name, other)
        assert name.parent is not None
        del name.parent.inode.entries[name.text]
        self.files.move(name, parent, spot.text)
        self._place(name)
        return 0

    def _replace(self, name: Name, other: Name | None) -> None:
        """What stands where a name goes to makes room."""
        if other is None:
            return
        is_directory = other.inode.kind is Kind.DIRECTORY
        if (name.inode.kind is Kind.DIRECTORY) != is_directory or other.inode.entries:
            raise FailedError
        self.files.remove(other)

    def _exchange(self, name: Name, other: Name) -> None:
        (parent, text), (other_parent, other_text) = (name.parent, name.text), (other.parent, other.text)
        assert parent is not None
        assert other_parent is not None
        self.files.move(name, other_parent, other_text)
        self.files.move(other, parent, text)
        self._place(name)
        self._place(other)

    def _do_link(self, process: Process, dir1: str, path1: str, dir2: str, path2: str, follow: str) -> int:
        source = self._walk(process, dir1, path1, follow=follow != "0")
        name = source.existing()
        if source.magic and follow == "0":
            raise FailedError
        spot = self._walk(process, dir2, path2, follow=False)
        parent, inode = spot.free(), name.inode
        if inode.kind is Kind.DIRECTORY or not (inode.names or inode.linkable):
            raise FailedError
        if inode.kind is Kind.FILE:
            if inode.old and not name.alive:
                raise UnspecifiedError("a link to a file from before, by /proc when its name was gone")
            self._use(name)
        self.files.add(parent, spot.text, inode, source=name.source)
        inode.linkable = False
        return 0

    def _do_symlink(self, process: Process, path: str, target: str) -> int:
        spot = self._walk(process, "-", path, follow=False)
        self.files.add(spot.free(), spot.text, Inode(Kind.LINK, target=target))
        return 0

    def _do_unlink(self, process: Process, directory: str, path: str) -> int:
        name = self._walk(process, directory, path, follow=False).removable()
        if name.inode.kind is Kind.DIRECTORY:
            raise FailedError
        self.files.remove(name)
        return 0

    def _do_rmdir(self, process: Process, directory: str, path: str) -> int:
        name = self._walk(process, directory, path, follow=False).removable()
        if name.inode.kind is not Kind.DIRECTORY or name.inode.entries:
            raise FailedError
        self.files.remove(name)
        return 0

    def _do_mkdir(self, process: Process, directory: str, path: str) -> int:
        spot = self._walk(process, directory, path, follow=False)
        self.files.add(spot.free(), spot.text, Inode(Kind.DIRECTORY))
        return 0

    def _do_mknod(self, process: Process, directory: str, path: str) -> int:
        spot = self._walk(process, directory, path, follow=False)
        self.files.add(spot.free(), spot.text, Inode(Kind.FILE))
        return 0

    def _do_chdir(self, process: Process, path: str) -> int:
        return self._enter(process, self._at(process, "-", path))

    def _do_fchdir(self, process: Process, slot: str) -> int:
        return self._enter(process, self._slot(process, slot).name)

    @staticmethod
    def _enter(process: Process, name: Name) -> int:
        if name.inode.kind is not Kind.DIRECTORY:
            raise FailedError
        process.cwd = name
        return 0

    def _do_mmap(self, process: Process, number: str, slot: str, how: str, access: str) -> int:
        file, shared, writable = self._slot(process, slot).for_reading(), how == "shared", access == "rw"
        if shared and writable and not file.writes:
            raise FailedError
        process.maps[int(number) % MAPS] = Mapping(file, shared, writable)
        return 0

    @staticmethod
    def _mapping(process: Process, number: str) -> Mapping:
        mapping = process.maps[int(number) % MAPS]
        if mapping is None:
            raise FailedError
        return mapping

    def _do_peek(self, process: Process, number: str) -> int:
        if not self._mapping(process, number).file.inode.content:
            raise FailedError
        return 0

    def _do_poke(self, process: Process, number: str, character: str) -> int:
        mapping = self._mapping(process, number)
        inode = mapping.file.inode
        if not mapping.writable or not inode.content:
            raise FailedError
        if mapping.shared:
            inode.put(0, character[0].encode())
        return 0

    def _do_munmap(self, process: Process, number: str) -> int:
        self._mapping(process, number)
        process.maps[int(number) % MAPS] = None
        return 0

    def _do_copy(self, process: Process, slot: str, other: str, count: str) -> int:
        source, target = self._slot(process, slot), self._slot(process, other)
        if source.inode is target.inode or target.appends:
            raise FailedError
        source.for_reading()
        target.for_writing()
        data = bytes(source.inode.content[source.offset : source.offset + int(count)])
        target.inode.put(target.offset, data)
        source.offset += len(data)
        target.offset += len(data)
        return len(data)

    _do_sendfile = _do_copy

    def _do_utimes(self, process: Process, path: str, seconds: str) -> int:
        del seconds
        return self._set_times(self._at(process, "-", path))

    def _do_futimes(self, process: Process, slot: str, seconds: str) -> int:
        del seconds
        file = self._slot(process, slot)
        if file.is_path:
            raise FailedError
        return self._set_times(file.name)

    @staticmethod
    def _set_times(name: Name) -> int:
        if name.inode.old and not name.alive and name.inode.names:
            raise UnspecifiedError("times set by a descriptor whose name is gone, of a file that has another name")
        return 0

    def _do_spawn(self, process: Process, path: str) -> int:
        name = self._at(process, "-", path)
        inode = name.inode
        if inode.kind is not Kind.FILE or not inode.executable or self._is_open_for_writing(inode):
            raise FailedError
        if bytes(inode.content[: len(self.shebang)]) != self.shebang:
            if inode.content.startswith(b"#!"):
                raise UnspecifiedError("half a `#!` line")
            raise FailedError
        self._use(name, executed=True)
        return 0

    def _is_open_for_writing(self, inode: Inode) -> bool:
        opened = [file for process in self.processes for file in process.files()] + self.held
        return any(file.inode is inode and file.writes for file in opened)

    def _do_race(self, process: Process, path: str) -> int:
        try:
            self._at(process, "-", path)
        except FailedError:
            spot = self._walk(process, "-", path, follow=False)
            name = self.files.add(spot.free(), spot.text, Inode(Kind.FILE))
            name.inode.put(0, RACED)
            return len(RACED)
        raise FailedError


def _holds(other: Name, name: Name) -> bool:
    """Whether a name lies in what is to be replaced by it, or exchanged with it."""
    return name is not other and name.is_at_or_below(other)
