"""Makes a program that shows a difference as small as it gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from io_program import Op, Program

CANDIDATES_MAX = 40
"""Tried at a time."""


def shrink(program: Program, first_bad: Callable[[Sequence[Program]], int | None]) -> Program:
    """Returns a smaller program that is still bad. `first_bad` says which of some programs is, or None."""
    while True:
        candidates = list(smaller(program))
        for start in range(0, len(candidates), CANDIDATES_MAX):
            some = candidates[start : start + CANDIDATES_MAX]
            at = first_bad(some)
            if at is not None:
                program = some[at]
                break
        else:
            return program


def smaller(program: Program) -> Iterator[Program]:
    """Yields programs with something left out, those with least left first."""
    for ops in _smaller_ops(program.ops):
        yield Program(program.tree, ops)
    for at in reversed(range(len(program.tree))):
        yield Program(program.tree[:at] + program.tree[at + 1 :], program.ops)


def _smaller_ops(ops: tuple[Op, ...]) -> Iterator[tuple[Op, ...]]:
    size = len(ops)
    while size:
        for at in range(0, len(ops), size):
            yield ops[:at] + ops[at + size :]
        size //= 2
    for at, op in enumerate(ops):
        if op.body:
            yield ops[:at] + op.body + ops[at + 1 :]
            for body in _smaller_ops(op.body):
                yield (*ops[:at], Op(op.words, body), *ops[at + 1 :])
