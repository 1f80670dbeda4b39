"""Launcher, tracer, command or all of them are killed: what was seen is recorded, and nobody is left over."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from daemon_kit import wait_for
from launcher_kit import jobs, newest_job, run, written

STRAY_S = 5.0
BACKENDS = ("preload", "ptrace")
SCRIPT = "echo part > out; sleep 300 & echo ready; wait"


@pytest.fixture
def daemon(module_daemon: Path) -> Path:
    """One daemon serves the tests of this file."""
    return module_daemon


@dataclass
class Processes:
    """Everything that one `roar run` has started, known by a word in its environment."""

    launcher: subprocess.Popen[bytes]
    word: str

    def alive(self) -> dict[int, str]:
        """Returns the processes that are no zombies, with the names of their programs."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            # Others come and go meanwhile.
            with suppress(OSError):
                if self.word.encode() in (folder / "environ").read_bytes():
                    found[int(folder.name)] = (folder / "comm").read_text().strip()
        return found

    def sleep(self) -> bool:
        """Returns whether the child is there and has started: without its tracer it could not load its libraries."""
        with suppress(OSError):
            return any("nanosleep" in Path(f"/proc/{pid}/wchan").read_text() for pid in self.pids("sleep"))
        return False

    def pids(self, name: str) -> list[int]:
        """Returns those that run a program of this name."""
        return [pid for pid, comm in self.alive().items() if comm == name]


@contextmanager
def running(project: Path, tracer: str, **options: Any) -> Iterator[Processes]:
    """Yields a run that has written a file and waits; five seconds after the block nothing of it may be alive."""
    run("roar", "daemon", "start", cwd=project)
    word = f"ROAR_TEST_RUN={uuid.uuid4()}"
    surroundings = dict(os.environ, **dict([word.split("=")]))
    words = ("roar", "run", "--tracer", tracer, "sh", "-c", SCRIPT)
    with subprocess.Popen(
        words, cwd=project, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    ) as launcher:
        processes = Processes(launcher, word)
        assert launcher.stdout
        assert launcher.stdout.readline() == b"ready\n"
        wait_for(processes.sleep, "the child")
        try:
            yield processes
            ended = time.monotonic()
            wait_for(lambda: not processes.alive(), f"the end of {processes.alive()}")
            assert time.monotonic() - ended < STRAY_S
        finally:
            for pid in processes.alive():
                os.kill(pid, signal.SIGKILL)


def assert_recorded(project: Path, *warnings: str) -> None:
    [listed] = wait_for(lambda: jobs(project), "the record")
    assert listed["status"] == "interrupted"
    job = newest_job(project)
    assert written(job) == ["out"]
    assert [warning.split(":")[0] for warning in job["warnings"]] == list(warnings)


@pytest.mark.parametrize("tracer", BACKENDS)
def test_the_command_and_its_children_are_killed(project: Path, tracer: str) -> None:
    with running(project, tracer) as processes:
        for pid in processes.pids("sh") + processes.pids("sleep"):
            os.kill(pid, signal.SIGKILL)
        assert processes.launcher.wait(10) == -signal.SIGKILL
        assert_recorded(project)


@pytest.mark.parametrize("tracer", BACKENDS)
def test_launcher_and_command_are_killed_together(project: Path, tracer: str) -> None:
    with running(project, tracer, start_new_session=True) as processes:
        os.killpg(processes.launcher.pid, signal.SIGKILL)
        assert processes.launcher.wait(10) == -signal.SIGKILL
        assert_recorded(project, "launcher-lost")


@pytest.mark.parametrize("tracer", BACKENDS)
def test_the_launcher_is_killed_and_the_command_ends_later(project: Path, tracer: str) -> None:
    with running(project, tracer) as processes:
        processes.launcher.kill()
        assert processes.launcher.wait(10) == -signal.SIGKILL
        assert processes.pids("sleep"), "the command was killed with the launcher"
        for pid in processes.pids("sleep") + processes.pids("sh"):
            os.kill(pid, signal.SIGTERM)
        assert_recorded(project, "launcher-lost")


def test_the_tracer_is_killed_and_the_command_ends_later(project: Path) -> None:
    with running(project, "ptrace") as processes:
        [tracer] = processes.pids("roar-ptrace")
        os.kill(tracer, signal.SIGKILL)
        for pid in processes.pids("sh") + processes.pids("sleep"):
            os.kill(pid, signal.SIGTERM)
        assert processes.launcher.wait(10) == -signal.SIGTERM
        assert_recorded(project, "tracer-lost")


def test_everything_of_a_run_is_killed_at_once(project: Path) -> None:
    with running(project, "ptrace") as processes:
        for pid in processes.alive():
            os.kill(pid, signal.SIGKILL)
        assert processes.launcher.wait(10) == -signal.SIGKILL
        assert_recorded(project, "launcher-lost")
