"""What is to be hashed early: the files that running jobs have read, in the order in which that makes sense."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import NamedTuple

from roard.hashing.stat_key import SETTLED_NS
from roard.hashing.worker import Task

MOST = 50_000
"""Files that wait at once, in some 30 MiB; more are left to the end of their runs."""
BATCH_FILES = 64
BATCH_BYTES = 64 << 20
"""A batch takes no further file when it has so many; one large file is a batch of its own."""


class RunKey(NamedTuple):
    """A run."""

    root: bytes
    """Of its project."""
    run_id: str


class Item(NamedTuple):
    """A file of a run."""

    ready_ns: int
    """Wall clock: a digest made earlier would prove nothing at the end (hashing/stat_key.py)."""
    number: int
    """Order of arrival."""
    run: RunKey
    task: Task


class EarlyQueue:
    """Files by the time at which a digest of them can be trusted. Not thread-safe."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._arrived = 0

    def add(self, run: RunKey, tasks: Iterable[Task]) -> None:
        """Adds files of a run, as far as there is room."""
        for task in tasks:
            if len(self._items) >= MOST:
                return
            self._arrived += 1
            key = task.file.key
            ready_ns = max(key.mtime_ns, key.ctime_ns) + SETTLED_NS
            heapq.heappush(self._items, Item(ready_ns, self._arrived, run, task))

    def take(self, now_ns: int) -> list[Item]:
        """Takes out the next files that are ready, not many and not large together; none when none is."""
        batch: list[Item] = []
        size = 0
        while self._items and self._items[0].ready_ns <= now_ns and len(batch) < BATCH_FILES:
            size += self._items[0].task.file.key.size
            if batch and size > BATCH_BYTES:
                break
            batch.append(heapq.heappop(self._items))
        return batch

    def drop(self, run: RunKey) -> None:
        """Forgets a run."""
        self._items = [item for item in self._items if item.run != run]
        heapq.heapify(self._items)

    def next_ready_ns(self) -> int | None:
        """Returns when there will be something to take; None: nothing waits."""
        return self._items[0].ready_ns if self._items else None
