"""Hashing beside running jobs: what becomes of it when a run, its worker or a file does not last."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL

import pytest
from daemon_kit import read_of, wait_for
from roar_proto.v1 import run_pb2

from roard.hashing.digest import Progress
from roard.model import StatKey
from roard.project import Project
from roard.supervision import early_queue
from roard.supervision.early import EarlyHashing
from roard.supervision.early_queue import RunKey

HUGE = 1 << 39
"""Bytes without a block on the disk, which take minutes to be read."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="who has a file open is asked of /proc")


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes files at once, however new they are."""
    monkeypatch.setattr(early_queue, "SETTLED_NS", 0)


@pytest.fixture
def huge(opened: Project) -> Path:
    path = Path(os.fsdecode(opened.root), "huge.bin")
    path.touch()
    os.truncate(path, HUGE)
    return path


async def until(condition: Callable[[], object], what: str) -> None:
    await asyncio.to_thread(wait_for, condition, what)


async def tell(early: EarlyHashing, key: RunKey, project: Project, path: Path, progress: Progress) -> None:
    await early.add(key, project, run_pb2.RunRecord(), [read_of(path)], progress)


async def small_file_is_hashed(early: EarlyHashing, project: Project) -> None:
    """Tells of a small file of another run; returns when the cache knows it."""
    path = await asyncio.to_thread(put_small_file, project)
    await tell(early, RunKey(project.root, "other"), project, path, Progress())
    key = StatKey.of_message(read_of(path).stat)
    await until(lambda: project.cache.lookup([key]), "the small file to be hashed")


def put_small_file(project: Project) -> Path:
    path = Path(os.fsdecode(project.root), "small.bin")
    path.write_bytes(b"content")
    return path


def readers(path: Path) -> list[int]:
    """Returns the child processes that have a file open."""
    children = [pid for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()]
    return [int(pid) for pid in children if str(path) in map(_target, Path(f"/proc/{pid}/fd").glob("*"))]


def _target(descriptor: Path) -> str:
    try:
        return os.readlink(descriptor)
    except OSError:
        return ""


def test_a_large_file_is_given_up_with_its_run_and_the_next_run_served(opened: Project, huge: Path) -> None:
    async def work() -> None:
        early = EarlyHashing()
        ending = RunKey(opened.root, "ending")
        await tell(early, ending, opened, huge, Progress())
        await until(lambda: readers(huge), "the huge file to be read")
        await early.end(ending)
        await small_file_is_hashed(early, opened)
        assert readers(huge) == []
        await early.close()

    asyncio.run(work())


def test_a_worker_that_is_killed_leaves_its_file_to_the_end_and_has_a_successor(opened: Project, huge: Path) -> None:
    async def work() -> None:
        early = EarlyHashing()
        progress = Progress()
        await tell(early, RunKey(opened.root, "1"), opened, huge, progress)
        (worker,) = await asyncio.to_thread(wait_for, lambda: readers(huge), "the huge file to be read")
        os.kill(worker, SIGKILL)
        await small_file_is_hashed(early, opened)
        assert (readers(huge), progress.files_done) == ([], 0)
        await early.close()

    asyncio.run(work())


def test_the_worker_ends_with_who_has_it(opened: Project, huge: Path) -> None:
    async def work() -> None:
        early = EarlyHashing()
        await tell(early, RunKey(opened.root, "1"), opened, huge, Progress())
        await until(lambda: readers(huge), "the huge file to be read")
        await early.close()
        assert readers(huge) == []

    asyncio.run(work())


def test_a_file_from_the_future_and_one_that_was_replaced_by_a_pipe_do_no_harm(opened: Project) -> None:
    root = Path(os.fsdecode(opened.root))
    future, replaced = root / "future.bin", root / "replaced.bin"
    future.write_bytes(b"content")
    os.utime(future, (2**33, 2**33))
    replaced.write_bytes(b"content")
    reads = [read_of(future), read_of(replaced)]
    replaced.unlink()
    os.mkfifo(replaced)

    async def work() -> None:
        early = EarlyHashing()
        progress = Progress()
        await early.add(RunKey(opened.root, "1"), opened, run_pb2.RunRecord(), reads, progress)
        await small_file_is_hashed(early, opened)
        assert progress.files_done == 0
        await early.close()

    asyncio.run(work())
