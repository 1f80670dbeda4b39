"""A daemon that has worked for long is as small as one that has not: memory, processes, descriptors, log files."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from daemon_kit import Daemon, resident, running_daemon, wait_for
from figures import figure, seeded
from project_kit import make_project
from roar_proto.v1 import jobs_pb2, sessions_pb2

from roard.app import THREADS
from roard.hashing.pool import HELPERS
from roard.supervision.runs import RECORDERS

WARM_UP_S = figure(2, 20)
SECONDS = figure(10, 480)
PROJECTS = figure(4, 8)
RUNNERS = 2
MIB = 1 << 20
REST_RSS = figure(72, 112) * MIB
"""64 MiB is the promise, for a day's work; some minutes of fifty runs a second leave more."""
WORKING_RSS = 256 * MIB
"""More than twice what was measured."""
GROWTH = 4 * MIB
GROWTH_PER_RUN = 1536
"""0.8 KiB were measured over 24,000 runs: 1 MiB an hour for whoever records more than a thousand in that time."""
WAL = 64 * MIB
OTHER_THREADS = 24
"""Those of grpc, of the loop and of the probes."""


@dataclass
class Figures:
    """What was seen while the daemon worked; bytes."""

    runs: dict[Path, int] = field(default_factory=dict)
    questions: int = 0
    working_rss: int = 0
    threads: int = 0
    wal: int = 0


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    """A daemon that rests and closes projects after seconds, not minutes."""
    with running_daemon({"ROAR_PROJECT_IDLE_S": "2", "ROAR_REST_S": "3"}) as running:
        yield running


def descriptors(daemon: Daemon) -> list[str]:
    """Returns what a daemon has open, without the connections of this test."""
    folder = Path(f"/proc/{daemon.process.pid}/fd")
    found = [os.path.realpath(folder / name) for name in os.listdir(folder)]
    return sorted(path.partition(":[")[0] for path in found if "socket:" not in path)


def threads(daemon: Daemon) -> int:
    return len(os.listdir(f"/proc/{daemon.process.pid}/task"))


def zombies(daemon: Daemon) -> list[str]:
    """Returns the dead children of a daemon that it has not waited for."""
    children = Path(f"/proc/{daemon.process.pid}/task").glob("*/children")
    return [pid for file in children for pid in file.read_text().split() if is_zombie(pid)]


def is_zombie(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def come_to_rest(daemon: Daemon) -> int:
    """Waits until a daemon has closed all projects and given memory back; returns what it keeps in bytes."""
    rests = daemon.log.count("at rest with")
    wait_for(lambda: daemon.log.count("at rest with") > rests, "the daemon to rest")
    wait_for(lambda: not any(".roar/" in path for path in descriptors(daemon)), "the projects to be closed")
    return resident(daemon)


def until(end: float, stop: threading.Event, work: Callable[[], None]) -> None:
    """Does the same again and again."""
    try:
        while time.monotonic() < end and not stop.is_set():
            work()
    except BaseException:
        stop.set()
        raise


def soak(daemon: Daemon, projects: list[Path], seconds: float) -> Figures:
    """Has commands recorded and questions asked for so long, and looks at the daemon meanwhile."""
    seen = Figures(runs=dict.fromkeys(projects, 0))
    random, counting = seeded("soak"), threading.Lock()

    def run() -> None:
        with counting:
            project = random.choice(projects)
            seen.runs[project] += 1
            number = seen.runs[project] % 7
        # The launcher ends when the job is recorded.
        words = ["roar", "run", "-q", "sh", "-c", f"cat in > out{number}"]
        subprocess.run(words, cwd=project, env=daemon.environment, check=True, capture_output=True, timeout=60)

    def ask() -> None:
        root = bytes(random.choice(projects))
        daemon.sessions.GetProjectStatus(
            sessions_pb2.GetProjectStatusRequest(project_root=root), metadata=daemon.metadata
        )
        daemon.sessions.GetDag(sessions_pb2.GetDagRequest(project_root=root), metadata=daemon.metadata)
        request = jobs_pb2.ListJobsRequest(project_root=root, limit=50)
        for job in daemon.jobs.ListJobs(request, metadata=daemon.metadata).jobs[:2]:
            daemon.job(Path(os.fsdecode(root)), job.uid)
        with pytest.raises(grpc.RpcError):
            daemon.job(Path("/nowhere"))
        seen.questions += 4

    def look() -> None:
        seen.working_rss = max(seen.working_rss, resident(daemon))
        seen.threads = max(seen.threads, threads(daemon))
        logs = [project / ".roar" / "roar.db-wal" for project in projects]
        seen.wal = max([seen.wal, *(log.stat().st_size for log in logs if log.exists())])
        threading.Event().wait(0.05)

    end, stop = time.monotonic() + seconds, threading.Event()
    with ThreadPoolExecutor(RUNNERS + 2) as workers:
        work = [workers.submit(until, end, stop, what) for what in (*[run] * RUNNERS, ask, look)]
        for done in work:
            done.result()
    return seen


def test_a_daemon_that_has_worked_for_long_is_as_small_as_before(daemon: Daemon, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("ROAR_RUNTIME_DIR", "XDG_STATE_HOME"):
            patch.setenv(name, daemon.environment[name])
        projects = [make_project(tmp_path.resolve() / f"project{number}") for number in range(PROJECTS)]
    for project in projects:
        (project / "in").write_text("in")
    before = soak(daemon, projects, WARM_UP_S)
    rest, files = come_to_rest(daemon), descriptors(daemon)
    seen = soak(daemon, projects, SECONDS)
    rest_after = come_to_rest(daemon)
    print(
        f"{sum(seen.runs.values())} runs and {seen.questions} questions over {PROJECTS} projects in {SECONDS} s: "
        f"{seen.working_rss / MIB:.1f} MiB, {seen.threads} threads and {seen.wal / MIB:.2f} MiB of log at most; "
        f"at rest {rest / MIB:.1f} MiB before, {rest_after / MIB:.1f} MiB after"
    )
    assert seen.working_rss < WORKING_RSS
    assert rest_after < REST_RSS
    assert rest_after - rest < GROWTH + sum(seen.runs.values()) * GROWTH_PER_RUN
    assert seen.wal < WAL
    assert seen.threads <= THREADS + RECORDERS + HELPERS + OTHER_THREADS
    wait_for(lambda: descriptors(daemon) == files, "the descriptors of before")
    wait_for(lambda: not zombies(daemon), "no zombies")
    for project in projects:
        assert len(daemon.list_jobs(project)) == before.runs[project] + seen.runs[project]
