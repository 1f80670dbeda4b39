"""Which job of one side is the counterpart of which of the other: pure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """A job of one side."""

    id: int
    step: int
    """Id of its step: one that both sides have is the same place of the same session."""
    shape: tuple[str, str]
    """Kind of the step and what it is known by, also in other sessions."""
    outputs: frozenset[bytes]
    """Paths of the data that it wrote."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A job and its counterpart; None: it has none."""

    a: int | None
    b: int | None


# The strictest first. A job that is on both sides is its own counterpart.
_RULES: tuple[Callable[[Candidate], Hashable], ...] = (
    lambda job: job.id,
    lambda job: (job.step, job.outputs),
    lambda job: (job.shape, job.outputs),
    lambda job: job.step,
    lambda job: job.shape,
)


def pair(side_a: Sequence[Candidate], side_b: Sequence[Candidate], together: Pair | None = None) -> list[Pair]:
    """Returns every job of both sides once: those of a in their order, then those that only b has.

    together: two jobs that are counterparts, whatever they are.
    """
    found: dict[int, int] = {}
    left = {job.id: job for job in side_b}
    if together and together.a is not None and together.b is not None:
        found[together.a] = together.b
        left.pop(together.b, None)
    for rule in _RULES:
        waiting: defaultdict[Hashable, deque[int]] = defaultdict(deque)
        for job in left.values():
            waiting[rule(job)].append(job.id)
        for job in side_a:
            if job.id not in found and waiting[rule(job)]:
                found[job.id] = waiting[rule(job)].popleft()
                del left[found[job.id]]
    return [Pair(job.id, found.get(job.id)) for job in side_a] + [Pair(None, job) for job in left]
