"""The order in which files of running jobs are hashed."""

from __future__ import annotations

import pytest

from roard.hashing.digest import Expected
from roard.hashing.stat_key import SETTLED_NS
from roard.hashing.worker import Task
from roard.model import StatKey
from roard.supervision import early_queue
from roard.supervision.early_queue import BATCH_BYTES, BATCH_FILES, EarlyQueue, RunKey

ONE, OTHER = RunKey(b"/p", "1"), RunKey(b"/p", "2")
LATE_NS = 10**18


def task(name: str, *, changed_ns: int = 0, size: int = 1) -> Task:
    return Task(Expected(name.encode(), StatKey(1, 2, size, 0, changed_ns), strict=True), ())


def names(queue: EarlyQueue, now_ns: int = LATE_NS) -> list[str]:
    return [item.task.file.path.decode() for item in queue.take(now_ns)]


def test_a_file_is_ready_when_a_digest_of_it_would_be_trusted() -> None:
    queue = EarlyQueue()
    queue.add(ONE, [task("fresh", changed_ns=9), task("old", changed_ns=5)])
    assert queue.next_ready_ns() == 5 + SETTLED_NS
    assert names(queue, 5 + SETTLED_NS - 1) == []
    assert names(queue, 5 + SETTLED_NS) == ["old"]
    assert queue.next_ready_ns() == 9 + SETTLED_NS
    assert names(queue, 9 + SETTLED_NS) == ["fresh"]
    assert queue.next_ready_ns() is None


def test_a_batch_is_neither_many_files_nor_much() -> None:
    queue = EarlyQueue()
    queue.add(ONE, [task(str(number)) for number in range(BATCH_FILES + 1)])
    assert len(names(queue)) == BATCH_FILES
    queue.add(ONE, [task("large", size=BATCH_BYTES), task("larger", size=2 * BATCH_BYTES)])
    assert names(queue) == [str(BATCH_FILES)]
    assert [names(queue), names(queue), names(queue)] == [["large"], ["larger"], []]


def test_a_run_that_has_ended_leaves_the_files_of_the_others() -> None:
    queue = EarlyQueue()
    queue.add(ONE, [task("a"), task("b")])
    queue.add(OTHER, [task("c"), task("d")])
    queue.drop(ONE)
    assert names(queue) == ["c", "d"]


def test_runs_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(early_queue, "MOST", 2)
    queue = EarlyQueue()
    queue.add(ONE, [task("a"), task("b"), task("c")])
    queue.add(OTHER, [task("d")])
    assert names(queue) == ["a", "b"]
    queue.add(OTHER, [task("e")])
    assert names(queue) == ["e"]
