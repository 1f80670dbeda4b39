"""Makes programs at random, by a seed or by hypothesis. Whatever it makes, the predictor can say what that does."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from hypothesis import strategies as st
from io_filesystem import FailedError, UnspecifiedError
from io_predictor import MAPS, predict
from io_program import BLOCKS, Entry, Op, Program

T = TypeVar("T")
WORDS = ("a", "b", "c", "d", "e", "f", "l", "m", "s")
TARGETS = ("a", "b", "d", "d/a", "e", "@/a", "@/d", "../a", ".", "d/f", "m", "@/e/b", "l")
TIMES = (1_100_000_000, 1_200_000_000, 1_300_000_000)
DEPTH_MAX = 3
OLD = ("a", "b", "c", "d/a", "d/b", "d/f/a", "e/a", "e/b")
FOLDERS = ("d", "e", "d/f")
LINKS = ("l", "m", "d/l")


class Chooser(Protocol):
    """Where decisions come from."""

    def pick(self, options: Sequence[T]) -> T:
        """Returns one of them."""

    def number(self, low: int, high: int) -> int:
        """Returns a number of this range, both ends included."""


class Seeded:
    """Decisions by a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def pick(self, options: Sequence[T]) -> T:
        return self._random.choice(options)

    def number(self, low: int, high: int) -> int:
        return self._random.randint(low, high)


class Drawn:
    """Decisions by hypothesis, which shrinks them."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def pick(self, options: Sequence[T]) -> T:
        return self._draw(st.sampled_from(options))

    def number(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))


@st.composite
def programs(draw: st.DrawFn, shebang: bytes) -> Program:
    """Strategy for programs."""
    return make_program(Drawn(draw), shebang)


def seeded_program(seed: int, shebang: bytes) -> Program:
    """Returns the program of a seed."""
    return make_program(Seeded(seed), shebang)


def make_program(chooser: Chooser, shebang: bytes) -> Program:
    """Returns a program that is specified."""
    maker = Maker(chooser)
    return specified(Program(maker.tree(), maker.ops(chooser.number(3, 22), 0)), shebang)


def specified(program: Program, shebang: bytes) -> Program:
    """Returns the program without the operations whose effect is not specified."""
    while True:
        try:
            predict(program, shebang)
        except UnspecifiedError as error:  # noqa: PERF203
            program = without_line(program, error.line or 0)
        else:
            return program


def is_specified(program: Program, shebang: bytes) -> bool:
    """Tells whether the predictor can say what a program does."""
    try:
        predict(program, shebang)
    except (FailedError, UnspecifiedError):
        return False
    return True


def without_line(program: Program, line: int) -> Program:
    """Returns the program without the operation on a line, as the interpreter counts."""
    at = len(program.inherited)
    if line < at:
        kept = [entry for entry in program.tree if entry is not program.inherited[line]]
        return Program(tuple(kept), program.ops)

    def kept_of(ops: tuple[Op, ...]) -> tuple[Op, ...]:
        nonlocal at
        kept = []
        for op in ops:
            here = at
            at += 1
            body = kept_of(op.body)
            at += op.name in BLOCKS
            if here != line:
                kept.append(Op(op.words, body))
        return tuple(kept)

    return Program(program.tree, kept_of(program.ops))


def _add(made: dict[str, Entry], kind: str, path: str, *words: str) -> None:
    """Adds something to a tree, if there is a folder for it."""
    parent = os.path.dirname(path)
    if path not in made and (not parent or (parent in made and made[parent].kind == "dir")):
        made[path] = Entry((kind, path, *words))


class Maker:
    """Makes the parts of one program. Remembers what it made, so that most operations find something to work on."""

    def __init__(self, chooser: Chooser) -> None:
        self._chooser = chooser
        self._slots = [str(number) for number in range(4)]
        self._opened: list[str] = []
        """Slots that are probably in use; so with the paths and maps below."""
        self._known: list[str] = []
        self._mapped: list[str] = []
        self._went = False
        """Somewhere else than in the program's folder."""
        makers: list[tuple[int, Callable[[], list[Op]]]] = [
            (12, self._open), (5, self._read), (6, self._write), (6, self._save), (5, self._atomic_save),
            (4, self._load), (3, self._close), (8, self._rename), (3, self._exchange), (6, self._link),
            (6, self._unlink), (2, self._symlink), (3, self._mkdir), (2, self._rmdir), (2, self._chdir),
            (3, self._truncate), (2, self._ftruncate), (3, self._mmap), (4, self._touch), (4, self._copy),
            (2, self._dup), (3, self._utimes), (1, self._mknod), (2, self._tmpfile), (1, self._spawn),
            (1, self._race), (1, self._exec), (1, self._seek), (3, self._edit), (1, self._publish),
            (2, self._go_back), (1, self._folder),
        ]  # fmt: skip
        self._bag = [make for weight, make in makers for _ in range(weight)]

    def tree(self) -> tuple[Entry, ...]:
        pick, chance = self._chooser.pick, self._chooser.number
        made: dict[str, Entry] = {}
        for folder in FOLDERS:
            if chance(0, 5):
                _add(made, "dir", folder)
        for path in OLD:
            if chance(0, 4):
                text, repeat = pick(("old", path.replace("/", ""), "x")), pick((0, 1, 1, 1, 3, 300))
                _add(made, "file", path, text, str(repeat))
        for path in LINKS:
            if chance(0, 1):
                _add(made, "alias", path, pick(TARGETS))
        if not chance(0, 2):
            _add(made, "script", pick(("s", "d/s", "e/s")))
        files = [path for path, entry in made.items() if entry.kind == "file"]
        if files and not chance(0, 1):
            _add(made, "same", pick(("f", "s", "d/c", "e/c")), pick(files))
        self._known += made
        inherited = [self._inherited(pick(files))] if files and not chance(0, 5) else []
        return (*made.values(), *inherited)

    def _inherited(self, path: str) -> Entry:
        flags = self._chooser.pick((os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND))
        return Entry(("fd", path, f"{flags:o}", self._new_slot()))

    def ops(self, count: int, depth: int) -> tuple[Op, ...]:
        number, kids = self._chooser.number, 0
        made: list[Op] = []
        while len(made) < count:
            if kids and not number(0, 6):
                made.append(Op(("resume", str(number(0, kids - 1)))))
            elif depth and not number(0, 5):
                made.append(Op(("yield",)))
            elif depth < DEPTH_MAX and not number(0, 11):
                kind = self._chooser.pick(BLOCKS)
                kids += 1
                made.append(Op((kind,), self.ops(number(1, 8), depth + 1)))
            else:
                made += self._chooser.pick(self._bag)()
        return tuple(made)

    # --- words -------------------------------------------------------------------------------------------------------

    def _slot(self) -> str:
        """A slot, most probably one of those that were opened last."""
        if self._opened and self._chooser.number(0, 7):
            return self._chooser.pick(self._opened[-3:])
        return self._chooser.pick(self._slots)

    def _new_slot(self) -> str:
        slot = self._chooser.pick(self._slots)
        self._opened.append(slot)
        return slot

    def _directory(self) -> str:
        return "-" if self._chooser.number(0, 11) else self._slot()

    def _path(self) -> str:
        """A path, most probably one that leads somewhere."""
        pick, number = self._chooser.pick, self._chooser.number
        known = self._known and number(0, 4)
        path = pick(self._known) if known else "/".join(pick(WORDS) for _ in range(number(1, 3)))
        prefix = pick(("@/",) if self._went and number(0, 2) else ("",) * 14 + ("@/", "@/", "./", "../"))
        return path if path.startswith(("@", ".")) else prefix + path

    def _free(self) -> str:
        """A path where most probably nothing is."""
        pick = self._chooser.pick
        path = pick(("", "", "d/", "e/", "d/f/", "@/")) + pick(("n", "o", "p"))
        if not self._chooser.number(0, 3):
            path = self._path()
        self._known.append(path)
        return path

    def _place(self) -> str:
        """A path, or that of a descriptor."""
        if self._chooser.number(0, 9):
            return self._path()
        return f"%{self._slot()}" + self._chooser.pick(("", "", "", "/a", "/b"))

    def _text(self) -> tuple[str, str]:
        return self._chooser.pick(("new", "old", "x", "longer-text")), str(self._chooser.pick((1, 1, 1, 2, 0, 500)))

    def _flags(self) -> int:
        pick = self._chooser.pick
        if not self._chooser.number(0, 9):
            return pick((os.O_PATH, os.O_DIRECTORY, os.O_PATH | os.O_DIRECTORY))
        flags: int = pick((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY, os.O_RDWR))
        extra = ((os.O_CREAT, 2), (os.O_TRUNC, 4), (os.O_EXCL, 14), (os.O_APPEND, 6), (os.O_NOFOLLOW, 12))
        for flag, rarity in (*extra, (os.O_CLOEXEC, 4)):
            flags |= 0 if self._chooser.number(0, rarity) else flag
        return flags

    # --- operations --------------------------------------------------------------------------------------------------

    def _opening(self, slot: str, path: str, flags: int) -> Op:
        how = self._chooser.pick(("open", "openat", "openat", "openat2", "creat"))
        if how == "creat" and not flags & os.O_CREAT:
            how = "openat"
        return Op(("open", slot, how, self._directory(), path, f"{flags:o}"))

    @staticmethod
    def _plainly(slot: str, path: str, flags: int) -> Op:
        return Op(("open", slot, "openat", "-", path, f"{flags:o}"))

    def _open(self) -> list[Op]:
        return [self._opening(self._new_slot(), self._place(), self._flags())]

    def _folder(self) -> list[Op]:
        """A folder in a slot, and something opened by way of it."""
        folder, slot = self._new_slot(), self._new_slot()
        opened = self._plainly(folder, self._chooser.pick((*FOLDERS, "@", "l")), os.O_DIRECTORY)
        name = self._chooser.pick(("a", "b", "f/a", "d/a", "n"))
        flags = self._chooser.pick((os.O_RDONLY, os.O_RDWR, os.O_WRONLY | os.O_CREAT))
        return [opened, Op(("open", slot, "openat", folder, name, f"{flags:o}"))]

    def _read(self) -> list[Op]:
        offset = self._chooser.pick(((), (), ("0",), ("2",)))
        return [Op(("read", self._slot(), str(self._chooser.pick((0, 3, 100, 8000))), *offset))]

    def _write(self) -> list[Op]:
        offset = self._chooser.pick(((), (), (), ("0",), ("2",), ("5000",)))
        return [Op(("write", self._slot(), *self._text(), *offset))]

    def _save(self) -> list[Op]:
        slot, path = self._new_slot(), self._chooser.pick((self._path, self._free))()
        opened = self._plainly(slot, path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        return [opened, Op(("write", slot, *self._text())), Op(("close", slot))]

    def _atomic_save(self) -> list[Op]:
        slot, temporary = self._new_slot(), self._free()
        opened = self._plainly(slot, temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        moved = Op(("rename", "rename", "-", temporary, "-", self._path(), "0"))
        return [opened, Op(("write", slot, *self._text())), Op(("close", slot)), moved]

    def _edit(self) -> list[Op]:
        """Reads a file and writes it in place."""
        slot, flags = self._new_slot(), self._chooser.pick((os.O_RDWR, os.O_RDWR | os.O_APPEND))
        opened = self._plainly(slot, self._path(), flags)
        return [opened, Op(("read", slot, "8")), Op(("write", slot, *self._text(), "0"))]

    def _load(self) -> list[Op]:
        slot = self._new_slot()
        return [self._plainly(slot, self._path(), os.O_RDONLY), Op(("read", slot, "4000")), Op(("close", slot))]

    def _publish(self) -> list[Op]:
        """Gives an unnamed file, or what a descriptor leads to, a name."""
        return [Op(("link", "-", f"%{self._slot()}", self._directory(), self._free(), "1"))]

    def _close(self) -> list[Op]:
        return [Op(("close", self._slot()))]

    def _target(self) -> str:
        return self._chooser.pick((self._path, self._free))()

    def _rename(self) -> list[Op]:
        how = self._chooser.pick(("rename", "rename", "renameat", "renameat2"))
        flags = self._chooser.pick(("0", "1"))
        return [Op(("rename", how, self._directory(), self._path(), self._directory(), self._target(), flags))]

    def _go_back(self) -> list[Op]:
        """Renames something, and perhaps gives it its name back after something else."""
        path, aside = self._path(), self._free()
        between = self._chooser.pick((self._load, self._save, self._edit, self._unlink))()
        there, back = ("rename", "-", path, "-", aside, "0"), ("rename", "-", aside, "-", path, "0")
        return [Op(("rename", *there)), *between, Op(("rename", *back))]

    def _exchange(self) -> list[Op]:
        return [Op(("rename", "renameat2", self._directory(), self._path(), self._directory(), self._path(), "2"))]

    def _link(self) -> list[Op]:
        follow = self._chooser.pick(("0", "1"))
        return [Op(("link", self._directory(), self._place(), self._directory(), self._free(), follow))]

    def _symlink(self) -> list[Op]:
        return [Op(("symlink", self._free(), self._chooser.pick((*TARGETS, "n", "@/n"))))]

    def _unlink(self) -> list[Op]:
        return [Op(("unlink", self._directory(), self._path()))]

    def _rmdir(self) -> list[Op]:
        return [Op(("rmdir", self._directory(), self._chooser.pick((*FOLDERS, self._path()))))]

    def _mkdir(self) -> list[Op]:
        return [Op(("mkdir", self._directory(), self._free()))]

    def _mknod(self) -> list[Op]:
        return [Op(("mknod", self._directory(), self._free()))]

    def _chdir(self) -> list[Op]:
        self._went = True
        if not self._chooser.number(0, 3):
            slot = self._new_slot()
            return [self._plainly(slot, self._chooser.pick(FOLDERS), os.O_DIRECTORY), Op(("fchdir", slot))]
        return [Op(("chdir", self._chooser.pick((*FOLDERS, *LINKS, "..", "@", "@", "@/d", "@/e", "."))))]

    def _truncate(self) -> list[Op]:
        return [Op(("truncate", self._place(), str(self._chooser.pick((0, 2, 3, 10)))))]

    def _ftruncate(self) -> list[Op]:
        return [Op(("ftruncate", self._slot(), str(self._chooser.pick((0, 2, 3, 10)))))]

    def _mmap(self) -> list[Op]:
        """A file is mapped, perhaps closed, and later used."""
        pick, number = self._chooser.pick, self._chooser.number
        slot, at = self._new_slot(), str(number(0, MAPS - 1))
        self._mapped.append(at)
        access, flags = pick((("r", os.O_RDONLY), ("rw", os.O_RDWR), ("rw", os.O_RDWR)))
        made = [self._plainly(slot, self._path(), flags), Op(("mmap", at, slot, pick(("shared", "private")), access))]
        made += [Op(("close", slot))] if number(0, 1) else []
        made += [Op(("poke", at, "z"))] if number(0, 1) else []
        return made + ([Op(("munmap", at))] if not number(0, 3) else [])

    def _touch(self) -> list[Op]:
        if not self._mapped:
            return self._mmap()
        at = self._chooser.pick(self._mapped)
        return [Op(self._chooser.pick((("peek", at), ("poke", at, "z"), ("poke", at, "o"), ("munmap", at))))]

    def _copy(self) -> list[Op]:
        pick = self._chooser.pick
        source, target, how = self._new_slot(), self._new_slot(), pick(("copy", "sendfile"))
        opened = self._plainly(source, self._path(), os.O_RDONLY)
        flags = os.O_WRONLY | pick((os.O_CREAT, os.O_CREAT, os.O_CREAT | os.O_TRUNC))
        return [opened, self._plainly(target, self._target(), flags), Op((how, source, target, pick(("2", "4000"))))]

    def _dup(self) -> list[Op]:
        return [Op(("dup", self._slot(), self._new_slot()))]

    def _utimes(self) -> list[Op]:
        seconds = str(self._chooser.pick(TIMES))
        if self._chooser.number(0, 1):
            return [Op(("utimes", self._place(), seconds))]
        return [Op(("futimes", self._slot(), seconds))]

    def _tmpfile(self) -> list[Op]:
        slot, flags = self._new_slot(), self._chooser.pick((os.O_RDWR, os.O_WRONLY, os.O_RDWR | os.O_EXCL))
        made = Op(("tmpfile", slot, self._chooser.pick(("@", "d", ".", "e", "l")), f"{flags:o}"))
        written = Op(("write", slot, *self._text()))
        return [made, written, Op(("link", "-", f"%{slot}", "-", self._free(), "1"))]

    def _spawn(self) -> list[Op]:
        return [Op(("spawn", self._chooser.pick(("s", "d/s", "e/s", "l", self._path().lstrip("%")))))]

    def _race(self) -> list[Op]:
        return [Op(("race", self._free()))]

    def _seek(self) -> list[Op]:
        return [Op(("seek", self._slot(), str(self._chooser.pick((0, 2, 4000)))))]

    def _exec(self) -> list[Op]:
        return [Op(("exec",))]
