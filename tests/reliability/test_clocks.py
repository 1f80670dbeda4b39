"""Clocks that are wrong or set while roar runs: order and durations stay true, and no hash is trusted on their word."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from blake3 import blake3
from crash_kit import make_root
from daemon_kit import Daemon, Run, read_of, running_daemon
from launcher_kit import answer, run

SHIFTED = Path(__file__).with_name("shifted_daemon.py")
HOUR_NS = 3600 * 10**9
DAY_NS = 24 * HOUR_NS
FALSE_DIGEST = b"\xff" * 32
# The wall clock goes back by a day at every look at it.
BACKWARDS = """
#define _GNU_SOURCE
#include <time.h>
#include <sys/syscall.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int days;
    long failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && clock == CLOCK_REALTIME) now->tv_sec -= 86400L * days++;
    return failed;
}
"""


def shift(offset: Path, nanoseconds: int) -> None:
    """Sets the daemon's clock; in one step, since it reads the file at any moment."""
    fresh = offset.with_suffix(".new")
    fresh.write_text(str(nanoseconds))
    fresh.rename(offset)


def started_under(offset: Path, nanoseconds: int) -> list[str]:
    shift(offset, nanoseconds)
    return [sys.executable, str(SHIFTED), str(offset)]


def test_jobs_stay_in_the_order_of_recording_whatever_the_clock_says(tmp_path: Path) -> None:
    root = make_root(tmp_path.resolve() / "project")
    offset = tmp_path / "offset"
    # Daylight saving, a day either way, and 1970.
    shifts = (0, -HOUR_NS, HOUR_NS, DAY_NS, -DAY_NS, -time.time_ns() + 1, 0)
    with running_daemon(under=started_under(offset, 0)) as daemon:
        recorded = []
        for nanoseconds in shifts:
            run = Run(root, argv=[b"job"], started_at_ns=max(0, time.time_ns() + nanoseconds))
            daemon.begin(run)
            shift(offset, nanoseconds)
            recorded.append(daemon.finish(run.seal()).uid)
        listed = daemon.list_jobs(root)
        assert [job.uid for job in listed] == recorded[::-1]
        assert {job.duration_ns for job in listed} == {5_000_000}
        assert {job.step for job in listed} == {"@1"}
        assert daemon.job(root, "@1").uid == recorded[-1]


@pytest.mark.parametrize(
    ("daemons_clock", "files_age_ns", "is_trusted"),
    [
        # The first shows that a hash in the cache is used at all, so that the others can fail.
        (HOUR_NS, 0, True),
        (0, 0, False),
        (0, -DAY_NS, False),
        (HOUR_NS, -DAY_NS, False),
        (-HOUR_NS, HOUR_NS, False),
        (-DAY_NS, 0, False),
    ],
)
def test_only_a_file_older_than_two_seconds_is_known_by_its_stat(
    tmp_path: Path, daemons_clock: int, files_age_ns: int, *, is_trusted: bool
) -> None:
    root = make_root(tmp_path.resolve() / "project")
    file = root / "data.csv"
    file.write_text("1")
    at = time.time_ns() - files_age_ns
    os.utime(file, ns=(at, at))
    with running_daemon(under=started_under(tmp_path / "offset", daemons_clock)) as daemon:
        assert recorded_hash(daemon, root, file) == blake3(b"1").digest()
        with closing(sqlite3.connect(root / ".roar" / "cache.db")) as cache, cache:
            assert cache.execute("UPDATE digests SET digest = ?", (FALSE_DIGEST,)).rowcount == 1
    # Another daemon: the first one has the digest in memory.
    with running_daemon(under=started_under(tmp_path / "offset", daemons_clock)) as daemon:
        expected = FALSE_DIGEST if is_trusted else blake3(b"1").digest()
        assert recorded_hash(daemon, root, file) == expected


def recorded_hash(daemon: Daemon, root: Path, file: Path) -> bytes:
    job = daemon.finish(Run(root).seal([read_of(file)]))
    [read] = daemon.job(root, job.uid).inputs
    return read.hash


def test_a_clock_that_goes_back_during_a_run_changes_no_duration(project: Path, tmp_path: Path) -> None:
    shim = tmp_path / "backwards.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", shim], input=BACKWARDS.encode(), check=True)
    run("roar", "run", "true", cwd=project)
    surroundings = {**os.environ, "LD_PRELOAD": str(shim)}
    for tracer in ("ptrace", "preload"):
        done = run("roar", "run", "--tracer", tracer, "sleep", "0.3", cwd=project, env=surroundings)
        assert done.returncode == 0, done.stderr
        job = answer(project, "log")["jobs"][0]
        assert job["command"][0] == "sleep"
        assert 0.3 <= job["duration_s"] < 30
