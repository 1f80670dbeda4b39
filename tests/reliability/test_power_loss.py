"""The power fails at any moment of a recording: what was acknowledged is in the database that is found then."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from checker import problems
from crash_kit import Recording
from daemon_kit import running_daemon
from figures import figure, seeded
from launcher_kit import jobs, newest_job, run, run_directories, written
from power_loss import STRACE, Disk, calls

from roard.db import migrate

JOBS = 12
CUTS = figure(100, 2500)
"""Of each of the two recordings."""
OPENED = figure(4, 40)
"""Of these so many are opened by a daemon, which goes on."""
OLD_JOB = "01a205f4-34c3-7fb5-8d5a-7d6130532b60"


def old_project(root: Path) -> None:
    """Makes a project with the first schema and a job in it."""
    (root / ".roar" / "runs").mkdir(parents=True)
    database = root / ".roar" / "roar.db"
    migrate.upgrade(bytes(database), "0001")
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("INSERT INTO sessions VALUES (1, 0, 1, x'')")
        connection.execute("INSERT INTO steps VALUES (1, 1, 'run', 1, 'old', 'old', 0)")
        columns = [row[1:3] for row in connection.execute("PRAGMA table_info(jobs)")]
        values = {"id": 1, "step_id": 1, "run_id": OLD_JOB, "status": "ok"}
        row = [values.get(name, "" if kind == "TEXT" else b"" if kind == "BLOB" else 0) for name, kind in columns]
        connection.execute(f"INSERT INTO jobs VALUES ({','.join('?' * len(row))})", row)


@pytest.mark.parametrize("old", [False, True], ids=["new project", "migrated project"])
def test_what_was_acknowledged_survives_a_power_failure_at_any_moment(tmp_path: Path, *, old: bool) -> None:
    chance = seeded("power failures")
    root = tmp_path.resolve() / "project"
    root.mkdir()
    if old:
        old_project(root)
    disk = Disk.of(root)
    trace = tmp_path / "trace"
    with running_daemon(under=[*STRACE, "-o", str(trace)]) as daemon:
        daemon.init(root)
        recording = Recording(root)
        for _ in range(JOBS):
            assert recording.finish(daemon, recording.sealed())
        daemon.kill()
    acknowledged = cut_everywhere(disk, trace, [f"{OLD_JOB} 0 0"] if old else [], chance, tmp_path)
    assert acknowledged == JOBS + old


def cut_everywhere(disk: Disk, trace: Path, before: list[str], chance: random.Random, folder: Path) -> int:
    """Fails the power at random calls and judges what is found; returns how many jobs were acknowledged in the end."""
    ours = sum(1 for _ in calls(trace, disk.top))
    cuts = sorted(chance.choices(range(ours), k=CUTS))
    opened = set(chance.sample(range(CUTS), OPENED))
    done = 0
    for number, call in enumerate(calls(trace, disk.top)):
        disk.replay(call)
        for cut in range(cuts.count(number)):
            found = folder / f"cut-{number}-{cut}"
            disk.lose_power(chance, found)
            acknowledged = [*before, *(f"{run_id} 3 3" for run_id in disk.removed_runs())]
            assert problems(found / ".roar", acknowledged) == [], f"after {number} of {ours} calls: {call}"
            if done in opened:
                goes_on(found, acknowledged)
            done += 1
            shutil.rmtree(found)
    print(f"{done} cuts in {ours} calls")
    return len(before) + len(disk.removed_runs())


def goes_on(root: Path, acknowledged: list[str]) -> None:
    """Asserts that a daemon opens what was found, and records in it."""
    with running_daemon() as daemon:
        daemon.init(root)
        after = Recording(root)
        after.acknowledged.extend(acknowledged)
        assert after.finish(daemon, after.sealed())
        daemon.end()
        after.check()


def test_a_run_that_is_said_to_be_safe_survives_a_power_failure(project: Path) -> None:
    chance = seeded("power failure after a run")
    run("roar", "daemon", "stop", cwd=project)
    (project / ".roar" / "runs").mkdir(exist_ok=True)
    disk = Disk.of(project / ".roar")
    trace = project.parent / "trace"
    surroundings = {**os.environ, "ROAR_DAEMON": "require"}
    words = ("roar", "run", "--tracer", "preload", "sh", "-c", "echo x > made; exit 3")
    done = run(*STRACE, "-o", str(trace), *words, cwd=project, env=surroundings)
    assert done.returncode == 3
    assert b"the run is safe in" in done.stderr, done.stderr
    for call in calls(trace, disk.top):
        disk.replay(call)
    [kept] = run_directories(project)
    for _ in range(figure(20, 200)):
        found = project.parent / "found"
        disk.lose_power(chance, found)
        [rundir] = (found / "runs").iterdir()
        assert rundir.name == kept.name
        for name in ("record", "folded"):
            assert (rundir / name).read_bytes() == (kept / name).read_bytes()
        shutil.rmtree(found)
    assert written(newest_job(project)) == ["made"]
    assert len(jobs(project)) == 1
