"""The runs in flight: watched from Begin, or from when they are found, until they are recorded."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from roar_proto.v1 import jobs_pb2, run_pb2, types_pb2

from roard.config_file import load_settings
from roard.context.git import GitUnreadable
from roard.errors import (
    BadRequest,
    NothingRuns,
    ProjectInUse,
    RoarError,
    RunNotFound,
    RunPopped,
    RunsInFlight,
    TraceCorrupt,
    shown,
)
from roard.failpoints import failpoint
from roard.hashing.digest import Progress
from roard.project_lock import PATIENCE_S
from roard.projects import Projects
from roard.supervision.early import EarlyHashing
from roard.supervision.early_queue import RunKey
from roard.supervision.git_state import note_state, note_state_late, read_state
from roard.supervision.ingest import FoldFailed, find_recorded, fold, ingest
from roard.supervision.plan import Plan, Probed, plan_run
from roard.supervision.registry import Registry
from roard.supervision.spared import spare
from roard.supervision.tracers import EBPF, Tracers
from roard.trace.rundir import RunDir, list_runs, run_dir, runs_dir_of

if TYPE_CHECKING:
    from roard.project import Project

log = logging.getLogger(__name__)
T = TypeVar("T")

GIT_PATIENCE_S = 1.0
"""How long the record of a run waits for `git status`, which began beside it."""
RESCUE_PATIENCE_S = 1.0
"""How long a question about a project waits for runs whose launcher is dead to be recorded."""
COLLECTOR_PATIENCE_S = 1.2
"""How long a run that asks for eBPF waits for a collector that is being started; its launcher waits two seconds."""
NEWS_S = 0.1
"""Between two looks at a run that somebody watches."""
RECORDERS = 32
"""Runs that are recorded at once."""
FIRST_RETRY_S = 2.0
LAST_RETRY_S = 60.0


@dataclass
class Ingest:
    """A run that is being recorded. Several callers may wait for the one task."""

    task: asyncio.Task[jobs_pb2.Job]
    progress: Progress


@dataclass
class InFlight:
    """A run that is not recorded yet."""

    root: bytes
    run: RunDir
    record: run_pb2.RunRecord
    git: asyncio.Task[None] | None = None
    ingest: Ingest | None = None
    pidfd: int = -1
    retry_s: float = FIRST_RETRY_S
    retry_at: float = 0.0
    """Monotonic clock: a run that could not be recorded is not tried again before."""
    rescue: asyncio.Task[None] | None = None
    early: Progress = field(default_factory=Progress)
    """Of what is hashed beside the job."""
    files_seen: int = 0
    """Files that the job has opened, as its launcher told last."""

    @property
    def key(self) -> RunKey:
        return RunKey(self.root, self.run.run_id)


@dataclass
class Runs:
    """All runs in flight of all projects. Lives on the event loop; not thread-safe."""

    projects: Projects
    registry: Registry
    tracers: Tracers
    early: EarlyHashing = field(default_factory=EarlyHashing)
    _in_flight: dict[RunKey, InFlight] = field(default_factory=dict)
    _ingests: dict[RunKey, Ingest] = field(default_factory=dict)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    # Apart from the threads that answer questions: large files may keep these busy for minutes.
    _recorders: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(RECORDERS, "record"))

    async def begin(self, record: run_pb2.RunRecord) -> Plan:
        """Watches a run that is about to start, and returns its plan. The same run a second time: the same plan."""
        root, run_id = RunKey(record.project_root, record.run_id)
        if not record.argv:
            raise BadRequest("`argv` is empty")
        if record.tracer_wanted == EBPF:
            await self.tracers.collector.wait_for_start(COLLECTOR_PATIENCE_S)
        begun = await asyncio.to_thread(_begin, self.projects, record, self.tracers.known())
        failpoint("begin.planned")
        self._remember(root)
        if RunKey(root, run_id) not in self._in_flight:
            flight = self._watch(root, run_dir(runs_dir_of(root), run_id), record)
            noting = asyncio.to_thread(note_state, flight.run, root, begun.git) if begun.git else _nothing()
            flight.git = self._spawn(noting)
        return begun.plan

    async def hash_early(self, request: jobs_pb2.HashEarlyRequest) -> None:
        """Has files hashed that a running job has read. Raises RunNotFound, NoProject and what a project may raise."""
        key = RunKey(request.project_root, request.run_id)
        if key not in self._in_flight:
            # Begun under another daemon, or under none.
            await self.project(request.project_root, patience_s=0)
        flight = self._in_flight.get(key)
        if flight is None:
            raise RunNotFound(request.run_id)
        flight.files_seen = max(flight.files_seen, request.files_seen)
        if request.reads and not flight.ingest:
            project = await asyncio.to_thread(self.projects.open, flight.root, patience_s=0)
            await self.early.add(key, project, flight.record, request.reads, flight.early)
            if key not in self._in_flight:
                await self.early.end(key)

    def finish(self, root: bytes, run_id: str) -> Ingest:
        """Returns the recording of a run that has ended: the one under way, or a new one."""
        key = RunKey(root, run_id)
        if key not in self._ingests:
            progress = Progress()
            ingesting = Ingest(self._spawn(self._ingest(root, run_id, progress)), progress)
            self._ingests[key] = ingesting
            if flight := self._in_flight.get(key):
                flight.ingest = ingesting
        return self._ingests[key]

    def spare(
        self, request: jobs_pb2.RestoreCachedRequest, gone: threading.Event
    ) -> asyncio.Future[jobs_pb2.RestoreCachedResponse]:
        """Returns the answer to a run that may be spared. gone: to be set when nobody waits for it any more."""
        self._remember(request.record.project_root)
        loop = asyncio.get_running_loop()
        return self._spawn(_awaited(loop.run_in_executor(self._recorders, spare, self.projects, request, gone)))

    async def project(self, root: bytes, *, patience_s: float = PATIENCE_S) -> Project:
        """Returns an open project in which all runs are recorded whose launcher is dead, as far as that is quick.

        patience_s: how long to wait for another daemon to give it back. Raises what Projects.open raises.
        """
        project = await asyncio.to_thread(self.projects.open, root, patience_s=patience_s)
        self._remember(root)
        await self.sweep(project)
        rescues = [flight.rescue for flight in self._in_flight.values() if flight.root == root and flight.rescue]
        if rescues:
            await asyncio.wait(rescues, timeout=RESCUE_PATIENCE_S)
        return project

    async def sweep(self, project: Project) -> None:
        """Watches the runs of a project that nobody announced, and begins to record those whose launcher is dead."""
        await self._find([project.root])
        await self._look([flight for flight in self._in_flight.values() if flight.root == project.root])

    async def sweep_known(self) -> None:
        """Sweeps every project that a daemon of this user has served and in which a run directory is left."""
        for root in await asyncio.to_thread(self.registry.with_runs):
            with _logged(f"project `{shown(root)}` cannot be swept"):
                await self.project(root, patience_s=0)

    async def tick(self) -> int:
        """Looks after all runs, and closes projects that are idle; returns how many. To be called every few seconds."""
        await self._find([project.root for project in self.projects.opened()])
        await self._look(list(self._in_flight.values()))
        busy = {flight.root for flight in self._in_flight.values()}
        return await asyncio.to_thread(self.projects.close_idle, busy)

    @property
    def is_quiet(self) -> bool:
        """True: nothing is being noted, folded or recorded now; runs may be in flight."""
        return not self._tasks

    def in_flight(self) -> list[InFlight]:
        """Returns the runs that are not recorded yet, oldest first."""
        return sorted(self._in_flight.values(), key=lambda flight: flight.record.started_at_ns)

    def refuse_in_flight(self, root: bytes) -> None:
        """Raises RunsInFlight when a run of the project is not recorded yet."""
        commands = [shown(b" ".join(flight.record.argv)) for flight in self.in_flight() if flight.root == root]
        if commands:
            raise RunsInFlight(commands)

    def find(self, root: bytes, run_id: str, launcher_pid: int) -> InFlight | None:
        """Returns the run with this id, or that of this launcher, or the newest of a project.

        None: there is none with this id, but it may be recorded. Raises NothingRuns when it was named otherwise.
        """
        if run_id:
            return self._in_flight.get(RunKey(root, run_id))
        for flight in reversed(self.in_flight()):
            if launcher_pid in {0, flight.record.launcher_pid} and (launcher_pid or flight.root == root):
                return flight
        raise NothingRuns(launcher_pid)

    def has(self, flight: InFlight) -> bool:
        """Returns whether a run is still not recorded."""
        return self._in_flight.get(RunKey(flight.root, flight.run.run_id)) is flight

    async def wait_for_news(self, flight: InFlight, seconds: float) -> None:
        """Returns when a run is recorded, or begins to be, and at the latest after this time."""
        end = time.monotonic() + seconds
        ingest = flight.ingest
        while self.has(flight) and flight.ingest is ingest and (left := end - time.monotonic()) > 0:  # noqa: ASYNC110  several may wait
            await asyncio.sleep(min(left, NEWS_S))

    async def recorded(self, root: bytes, run_id: str) -> jobs_pb2.Job:
        """Returns the job that a run was recorded as. Raises RunNotFound."""
        return await asyncio.to_thread(find_recorded, self.projects, root, run_id)

    async def drain(self, seconds: float) -> bool:
        """Waits for the recordings under way; returns whether all have ended."""
        pending = [ingesting.task for ingesting in self._ingests.values()]
        if pending:
            await asyncio.wait(pending, timeout=seconds)
        return all(task.done() for task in pending)

    def _remember(self, root: bytes) -> None:
        if not self.registry.has(root):
            self._spawn(asyncio.to_thread(self.registry.add, root))

    def _watch(self, root: bytes, run: RunDir, record: run_pb2.RunRecord) -> InFlight:
        flight = InFlight(root, run, record)
        self._in_flight[flight.key] = flight
        # Only a wake-up: whether the launcher is dead is for the lock to say, so a reused pid does no harm.
        with contextlib.suppress(OSError, AttributeError):
            flight.pidfd = os.pidfd_open(record.launcher_pid)
            asyncio.get_running_loop().add_reader(flight.pidfd, self._launcher_ended, flight)
        return flight

    def _launcher_ended(self, flight: InFlight) -> None:
        self._forget_pid(flight)
        self._spawn(self._look([flight]))

    def _forget_pid(self, flight: InFlight) -> None:
        if flight.pidfd >= 0:
            asyncio.get_running_loop().remove_reader(flight.pidfd)
            os.close(flight.pidfd)
            flight.pidfd = -1

    def _forget(self, flight: InFlight) -> None:
        self._forget_pid(flight)
        self._in_flight.pop(flight.key, None)
        self._spawn(self.early.end(flight.key))

    async def _find(self, roots: Sequence[bytes]) -> None:
        """Watches the runs that nobody announced."""
        for root, run in await asyncio.to_thread(_runs_of, roots):
            if RunKey(root, run.run_id) not in self._in_flight:
                await self._adopt(root, run)

    async def _adopt(self, root: bytes, run: RunDir) -> None:
        """Watches a run that was begun under another daemon, or under none."""
        try:
            record = await asyncio.to_thread(run.read_record)
        except RunNotFound:
            return
        except (TraceCorrupt, OSError) as error:
            aside = await asyncio.to_thread(run.quarantine)
            log.error("run %s is damaged, its directory is kept as `%s`: %s", run.run_id, shown(aside), error)  # noqa: TRY400
            return
        if RunKey(root, run.run_id) not in self._in_flight:
            flight = self._watch(root, run, record)
            if run.lacks_git():
                # Late, but the end of a long run would be later still.
                flight.git = self._spawn(asyncio.to_thread(note_state_late, run, root))

    async def _look(self, flights: Iterable[InFlight]) -> None:
        """Begins to record those runs whose launcher is dead, and forgets those that are gone."""
        now = time.monotonic()
        idle = [flight for flight in flights if not flight.ingest and not flight.rescue and flight.retry_at <= now]
        for flight, held, exists in await asyncio.to_thread(_states, idle):
            if not exists:
                self._forget(flight)
            elif not held and not flight.ingest and not flight.rescue:
                flight.rescue = self._spawn(self._rescue(flight))

    async def _rescue(self, flight: InFlight) -> None:
        """Records a run whose launcher is dead; folds its raw trace first when that was left to do."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._recorders, fold, flight.run)
            await self.finish(flight.root, flight.run.run_id).task
            log.info("run %s of a dead launcher is recorded", flight.run.run_id)
        except (TraceCorrupt, RunNotFound, RunPopped):
            self._forget(flight)
        except (RoarError, FoldFailed, OSError) as error:
            log.warning("run %s cannot be recorded yet: %s", flight.run.run_id, error)
        finally:
            flight.rescue = None

    async def _ingest(self, root: bytes, run_id: str, progress: Progress) -> jobs_pb2.Job:
        key = RunKey(root, run_id)
        try:
            run = run_dir(runs_dir_of(root), run_id)
            await self._git_noted(root, run, self._in_flight.get(key))
            await self.early.end(key)
            loop = asyncio.get_running_loop()
            job = await loop.run_in_executor(self._recorders, ingest, self.projects, root, run, progress)
        except BaseException:
            if flight := self._in_flight.get(key):
                flight.ingest = None
                flight.retry_at = time.monotonic() + flight.retry_s
                flight.retry_s = min(flight.retry_s * 2, LAST_RETRY_S)
            raise
        finally:
            self._ingests.pop(key, None)
        if flight := self._in_flight.get(key):
            self._forget(flight)
        return job

    async def _git_noted(self, root: bytes, run: RunDir, flight: InFlight | None) -> None:
        """Waits until the state of git is in the run directory, for a second at most."""
        noting = flight.git if flight else None
        if noting is None:
            if not await asyncio.to_thread(run.lacks_git):
                return
            noting = self._spawn(asyncio.to_thread(note_state_late, run, root))
        await asyncio.wait([noting], timeout=GIT_PATIENCE_S)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Runs work in the background. The loop itself keeps tasks alive only weakly."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, RoarError):
            log.error("background work failed", exc_info=error)


@contextlib.contextmanager
def _logged(problem: str) -> Iterator[None]:
    try:
        yield
    except RoarError as error:
        log.warning("%s: %s", problem, error.fact)


@dataclass(frozen=True)
class _Begun:
    plan: Plan
    git: types_pb2.GitState | None


def _begin(projects: Projects, record: run_pb2.RunRecord, tracers: Mapping[str, Probed]) -> _Begun:
    """Does what begin() needs of the disk, in one go on one thread."""
    root = record.project_root
    # Whoever has the project open records the run; the command need not wait for that.
    with contextlib.suppress(ProjectInUse):
        projects.open(root, patience_s=0)
    run_dir(runs_dir_of(root), record.run_id)
    plan = plan_run(load_settings(root), record, tracers)
    try:
        return _Begun(plan, read_state(root))
    except GitUnreadable as error:
        warning = types_pb2.Warning(code="git-unreadable", message=f"git could not be read: {error}")
        return _Begun(replace(plan, warnings=(*plan.warnings, warning)), None)


def _runs_of(roots: Iterable[bytes]) -> list[tuple[bytes, RunDir]]:
    """Returns the run directories of projects, in one go on one thread."""
    return [(root, run) for root in roots for run in list_runs(runs_dir_of(root))]


def _states(flights: Iterable[InFlight]) -> list[tuple[InFlight, bool, bool]]:
    """Returns for each run whether somebody holds it, and whether its directory is there."""
    return [(flight, flight.run.is_held(), os.path.isdir(flight.run.path)) for flight in flights]


async def _awaited(work: asyncio.Future[T]) -> T:
    """Returns what the work does, as a coroutine."""
    return await work


async def _nothing() -> None:
    """Stands for the state of git where there is none."""
