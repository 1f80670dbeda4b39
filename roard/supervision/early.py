"""Inputs of running jobs, hashed beside them, so that little is left to do when a job has ended.

Nothing depends on it: digests go into the hash cache, where the recording finds them when the stat proves that they are
those of what the job read, and it makes by itself what is not there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roar_proto.v1 import run_pb2

from roard.filters import Use
from roard.hashing.digest import Expected, FileDigest, Progress
from roard.hashing.worker import Done, Task
from roard.model import StatKey
from roard.supervision.early_queue import EarlyQueue, Item, RunKey

if TYPE_CHECKING:
    from roard.project import Project
    from roard.roles import Judge

log = logging.getLogger(__name__)

LINGER_S = 10.0
"""A worker without work ends after this."""
DYING_S = 1.0
WORTH_KILLING = 64 << 20
"""Bytes that a worker still has to read for a run that has ended: fewer are done sooner than a new worker is there."""


@dataclass
class _Run:
    """A run that some of its inputs were told of."""

    project: Project
    judge: Judge
    algorithms: tuple[str, ...]
    progress: Progress


class EarlyHashing:
    """Hands files to a process of idle priority, which is there while it has work. Lives on the event loop."""

    def __init__(self) -> None:
        self._runs: dict[RunKey, _Run] = {}
        self._queue = EarlyQueue()
        self._news = asyncio.Event()
        self._working: asyncio.Task[None] | None = None
        self._worker: Process | None = None
        self._batch: list[Item] = []
        """With the worker; those that are not done yet."""
        self._storing = asyncio.Lock()

    async def add(
        self,
        key: RunKey,
        project: Project,
        record: run_pb2.RunRecord,
        reads: Sequence[run_pb2.FileRead],
        progress: Progress,
    ) -> None:
        """Queues those files that will be recorded with a hash and of which the cache knows none.

        progress: is told of every file that is done. Raises ConfigError.
        """
        if key not in self._runs:
            self._runs[key] = await asyncio.to_thread(_begin, project, record, progress)
        run = self._runs[key]
        tasks = await asyncio.to_thread(_worth_hashing, run, reads)
        # The run may have ended meanwhile.
        if tasks and key in self._runs:
            self._queue.add(key, tasks)
            self._news.set()
            if self._working is None:
                self._working = asyncio.get_running_loop().create_task(self._work())

    async def end(self, key: RunKey) -> None:
        """Forgets a run; what was hashed for it is in the cache."""
        if self._runs.pop(key, None) is None:
            return
        self._queue.drop(key)
        if sum(item.task.file.key.size for item in self._batch if item.run == key) > WORTH_KILLING:
            self._kill()
        async with self._storing:
            pass

    async def close(self) -> None:
        """Ends the worker, whatever it does."""
        if self._working:
            self._working.cancel()
            await asyncio.wait([self._working])

    def _kill(self) -> None:
        if self._worker is not None:
            with contextlib.suppress(ProcessLookupError):
                self._worker.kill()

    async def _work(self) -> None:
        try:
            while batch := await self._next_batch():
                await self._hash(batch)
        except OSError as error:
            log.warning("nothing is hashed early: %s", error)
        finally:
            self._working = None
            await self._end_worker()

    async def _end_worker(self) -> None:
        self._kill()
        worker, self._worker = self._worker, None
        if worker is not None:
            # One that hangs in a file system cannot be killed yet.
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(worker.wait(), DYING_S)

    async def _next_batch(self) -> list[Item]:
        """Waits for files that are ready; returns none when nothing has been asked for long."""
        while True:
            now_ns = time.time_ns()
            if batch := self._queue.take(now_ns):
                return batch
            ready_ns = self._queue.next_ready_ns()
            patience = LINGER_S if ready_ns is None else (ready_ns - now_ns) / 1e9
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), patience)
            except asyncio.TimeoutError:
                if ready_ns is None:
                    return []

    async def _hash(self, batch: list[Item]) -> None:
        """Has files digested and keeps what comes back."""
        self._worker = worker = self._worker or await _start_worker()
        self._batch = list(batch)
        done: list[tuple[Item, FileDigest]] = []
        async for item, result in _results(worker, batch):
            self._batch.remove(item)
            run = self._runs.get(item.run)
            if run and result and result.digest:
                run.progress.add(files=1, size=result.key.size)
                done.append((item, result))
        await self._store(done)
        if self._batch:
            # The worker has died, perhaps of one of these: they are left to the end of their runs.
            self._batch.clear()
            await self._end_worker()

    async def _store(self, done: Sequence[tuple[Item, FileDigest]]) -> None:
        async with self._storing:
            for key in {item.run for item, _ in done}:
                if run := self._runs.get(key):
                    results = [result for item, result in done if item.run == key]
                    await asyncio.to_thread(_keep, run.project, results)


async def _start_worker() -> Process:
    """Starts a worker, away from the daemon's terminal and directory. Raises OSError."""
    command = (sys.executable, "-m", "roard.hashing.worker")
    return await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd="/", start_new_session=True
    )


async def _results(worker: Process, batch: Sequence[Item]) -> AsyncIterator[tuple[Item, FileDigest | None]]:
    """Yields what becomes of each file, None for one that cannot be read; ends early with the worker."""
    into, out = worker.stdin, worker.stdout
    if into is None or out is None:
        return
    with contextlib.suppress(ConnectionError):
        into.write(b"".join(item.task.to_line() for item in batch))
        for item in batch:
            line = await out.readline()
            if not line.endswith(b"\n"):
                return
            yield item, Done.of_line(line).result


def _begin(project: Project, record: run_pb2.RunRecord, progress: Progress) -> _Run:
    from roard.record import algorithms_of
    from roard.roles import judge_for

    return _Run(project, judge_for(project), tuple(algorithms_of(project.settings(), record)), progress)


def _worth_hashing(run: _Run, reads: Sequence[run_pb2.FileRead]) -> list[Task]:
    from roard.content import unknown

    now_ns = time.time_ns()
    recorded = [
        Expected(read.path, StatKey.of_message(read.stat), strict=True)
        for read in reads
        if run.judge(read.path, Use.EXECUTED if read.executed else Use.READ).verdict.is_recorded
    ]
    # A digest of a file from the future would never be trusted.
    past = [file for file in recorded if max(file.key.mtime_ns, file.key.ctime_ns) <= now_ns]
    return [Task(file, run.algorithms) for file in unknown(run.project, past, run.algorithms)]


def _keep(project: Project, results: Sequence[FileDigest]) -> None:
    from roard.content import keep

    keep(project, results)
