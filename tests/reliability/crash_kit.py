"""What the crash tests share: projects under a daemon, jobs that were acknowledged, and the judge of both."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from daemon_kit import Daemon, Run, git, read_of, running_daemon, write_of

from roard.hashing.pool import HashPool
from roard.projects import Projects

CHECKER = Path(__file__).with_name("checker.py")
FILES = 3
"""That a job reads, and that it writes."""


@dataclass
class Recording:
    """Jobs of one project, and which of them were acknowledged. Thread-safe."""

    root: Path
    runs: list[Run] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    """As lines for the checker."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        files = [self.root / f"file{number}" for number in range(2 * FILES)]
        for file in files:
            file.write_text(file.name)
        self.reads = [read_of(file) for file in files[:FILES]]
        self.writes = [write_of(file) for file in files[FILES:]]

    def sealed(self) -> Run:
        """Returns a new run that has ended and is not recorded."""
        run = Run(self.root, argv=[b"job"], alive=True).seal(self.reads, self.writes)
        with self._lock:
            self.runs.append(run)
        return run

    def finish(self, daemon: Daemon, run: Run) -> bool:
        """Has a run recorded; returns whether the daemon acknowledged it."""
        try:
            job = daemon.finish(run)
        except (grpc.RpcError, OSError, ValueError):
            return False
        assert job.run_id == run.run_id
        self.note(run)
        return True

    def note(self, run: Run) -> None:
        """Notes that a run was acknowledged."""
        with self._lock:
            self.acknowledged.append(line_of(run))

    def check(self, *, ask: Mapping[str, str] | None = None) -> None:
        """Has another process look for what was acknowledged; `ask`: the environment to ask `roar log` in as well."""
        words = [sys.executable, str(CHECKER), str(self.root), *(["--ask"] if ask else [])]
        told = "\n".join(self.acknowledged)
        done = subprocess.run(words, input=told, capture_output=True, text=True, check=False, env=ask)
        assert done.returncode == 0, done.stdout + done.stderr


def line_of(run: Run) -> str:
    """Returns the line of a run for the checker."""
    return f"{run.run_id} {FILES} {FILES}"


def is_gone(run: Run) -> bool:
    """Returns whether a run is in no run directory any more."""
    return not run.path.exists()


def make_root(root: Path) -> Path:
    """Makes a project without a daemon, in a git repository."""
    root.mkdir(parents=True, exist_ok=True)
    git(root, "init", "-q")
    git(root, "commit", "-q", "--allow-empty", "-m", "start")
    projects = Projects(HashPool())
    projects.init(bytes(root))
    projects.close()
    return root


@contextlib.contextmanager
def recording(
    root: Path, environment: dict[str, str] | None = None, under: Sequence[str] = ()
) -> Iterator[tuple[Daemon, Recording]]:
    """Yields a daemon and an empty project that it serves."""
    jobs = Recording(make_root(root))
    with running_daemon(environment, under) as daemon:
        yield daemon, jobs
