"""Many at once: one daemon starts, everything is recorded, and nobody is told that something is locked."""

from __future__ import annotations

import os
import socket
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from figures import figure, seeded
from launcher_kit import answer, run, run_directories
from project_kit import make_project

CROWD = 64
STEPS = 8
PROJECTS = 8


def record(project: Path, number: int) -> subprocess.CompletedProcess[bytes]:
    """Records one run of a step that others run at the same time."""
    command = ("sh", "-c", f"echo {number} > out{number}")
    return run("roar", "run", "-q", "-n", f"step{number % STEPS}", *command, cwd=project)


def assert_all_recorded(project: Path, numbers: range) -> None:
    found = answer(project, "log", "--all", "-n", "10000")["jobs"]
    assert len({job["id"] for job in found}) == len(found) == len(numbers)
    assert Counter(job["name"] for job in found) == Counter(f"step{number % STEPS}" for number in numbers)
    places = {(job["name"], job["step"]) for job in found}
    assert len({step for _, step in places}) == len(places), "two steps have one number, or one step has two"
    assert not run_directories(project)


def daemon_log(runtime: Path) -> str:
    return (runtime.parent / "state" / "roar" / "roard.log").read_text()


def test_a_crowd_in_one_project(project: Path, daemon: Path) -> None:
    with ThreadPoolExecutor(CROWD) as pool:
        done = list(pool.map(lambda number: record(project, number), range(CROWD)))
    assert [(one.returncode, one.stderr) for one in done] == [(0, b"")] * CROWD
    assert_all_recorded(project, range(CROWD))
    assert "locked" not in daemon_log(daemon)


def test_a_crowd_over_several_projects(tmp_path: Path, daemon: Path) -> None:
    projects = [make_project(tmp_path / f"project{number}") for number in range(PROJECTS)]
    with ThreadPoolExecutor(CROWD) as pool:
        done = list(pool.map(lambda number: record(projects[number % PROJECTS], number), range(CROWD)))
    assert [(one.returncode, one.stderr) for one in done] == [(0, b"")] * CROWD
    for number, project in enumerate(projects):
        assert_all_recorded(project, range(number, CROWD, PROJECTS))
    assert "locked" not in daemon_log(daemon)


def stale_socket(runtime: Path) -> None:
    """What a daemon leaves that was killed."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(runtime / "roard.sock"))


def stale_locks(runtime: Path) -> None:
    """Files that nobody holds, as after a power failure; one names a process that is another's by now."""
    (runtime / "roard.start").write_text("")
    (runtime / "roard.lock").write_text(f"{os.getpid()}\n")


def broken_token(runtime: Path) -> None:
    (runtime / "roard.token").write_bytes(b"\xff\0half a tok")


def half_made_socket(runtime: Path) -> None:
    """Of a daemon that was killed before its socket had got its name; its pid is another's by now."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(runtime / f"s.{os.getpid()}"))


LEFTOVERS = (stale_socket, stale_locks, broken_token, half_made_socket)


@pytest.mark.timeout(figure(600, 7200))
def test_a_crowd_without_a_daemon_starts_one_whatever_an_earlier_one_left(project: Path, daemon: Path) -> None:
    """Most of them record, some ask; all are served by the same daemon."""
    random = seeded("crowd")
    # Who asks first finds one.
    assert record(project, CROWD).returncode == 0

    def one(number: int) -> subprocess.CompletedProcess[bytes]:
        return run("roar", "log", "-n", "10000", cwd=project) if number % 16 == 0 else record(project, number)

    for _ in range(figure(2, 100)):
        run("roar", "daemon", "stop", cwd=project)
        already = len(answer(project, "log", "--all", "-n", "10000")["jobs"])
        run("roar", "daemon", "stop", cwd=project)
        starts = daemon_log(daemon).count("ready at")
        left = random.sample(LEFTOVERS, random.randint(0, len(LEFTOVERS)))
        print(f"left behind: {[make.__name__ for make in left]}")
        for make in left:
            make(daemon)
        with ThreadPoolExecutor(CROWD) as pool:
            done = list(pool.map(one, range(CROWD)))
        assert [(each.returncode, each.stderr) for each in done] == [(0, b"")] * CROWD
        assert len(answer(project, "log", "--all", "-n", "10000")["jobs"]) == already + CROWD - CROWD // 16
        assert daemon_log(daemon).count("ready at") - starts == 1
