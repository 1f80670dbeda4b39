"""Programs of file operations: what they start with, what they do, and how both are written down. See README.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

BLOCKS = ("fork", "vexec", "thread")
"""Operations with a body, which a child executes."""
TREE = ("file", "script", "dir", "alias", "same", "fd")
"""First words of the lines that say what is there before the job."""


@dataclass(frozen=True)
class Entry:
    """Something that is there before the job, one line of text."""

    words: tuple[str, ...]

    @property
    def kind(self) -> str:
        return self.words[0]

    @property
    def path(self) -> str:
        return self.words[1]

    @property
    def content(self) -> bytes:
        """Of a `file`: a text, and how often."""
        return self.words[2].encode() * int(self.words[3])


@dataclass(frozen=True)
class Op:
    """One operation, one line of text; those with a body are closed by `end`."""

    words: tuple[str, ...]
    body: tuple[Op, ...] = ()

    @property
    def name(self) -> str:
        return self.words[0]


@dataclass(frozen=True)
class Program:
    """What is there before a job, the descriptors that it inherits, and what it does."""

    tree: tuple[Entry, ...]
    ops: tuple[Op, ...]

    @property
    def inherited(self) -> list[Entry]:
        return [entry for entry in self.tree if entry.kind == "fd"]

    def lines(self, descriptors: Sequence[int]) -> list[str]:
        """Returns what the interpreter reads, inherited descriptors having these numbers."""
        pairs = zip(self.inherited, descriptors, strict=True)
        return [f"inherit {entry.words[3]} {number}" for entry, number in pairs] + list(lines_of(self.ops))

    def __str__(self) -> str:
        depth, shown = 0, [" ".join(entry.words) for entry in self.tree]
        for line in lines_of(self.ops):
            depth -= line == "end"
            shown.append("  " * depth + line)
            depth += line in BLOCKS
        return "\n".join(shown)


def lines_of(ops: Sequence[Op]) -> Iterator[str]:
    """Yields the lines of operations."""
    for op in ops:
        yield " ".join(op.words)
        if op.name in BLOCKS:
            yield from lines_of(op.body)
            yield "end"


def parse(text: str) -> Program:
    """Returns the program that is so written. Raises IndexError or ValueError where blocks are not closed."""
    rows = [tuple(line.split()) for line in text.splitlines() if line.strip()]
    tree = tuple(Entry(words) for words in rows if words[0] in TREE)
    ops, rest = _parse_ops([words for words in rows if words[0] not in TREE])
    if rest:
        raise ValueError(f"`end` without a beginning, then {rest}")
    return Program(tree, ops)


def _parse_ops(rows: list[tuple[str, ...]]) -> tuple[tuple[Op, ...], list[tuple[str, ...]]]:
    """Returns the operations up to an `end` that closes them, and what follows it."""
    ops: list[Op] = []
    while rows:
        words, *rows = rows
        if words == ("end",):
            return tuple(ops), rows
        body: tuple[Op, ...] = ()
        if words[0] in BLOCKS:
            body, rows = _parse_ops(rows)
        ops.append(Op(words, body))
    return tuple(ops), []
