"""The daemon's log: followed over rotation and restarts, and without a secret in it."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon_kit import wait_for
from figures import figure
from other_versions import run

SECRET = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
"""In the form of a token, and none."""


@contextlib.contextmanager
def following(*options: str) -> Iterator[Iterator[str]]:
    """Yields the lines of `roar daemon logs -f`, as they come."""
    words = ["roar", "daemon", "logs", "-f", *options]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130


@pytest.fixture
def log(daemon: Path) -> Path:
    """The log, in which one daemon has written already, and another may write any time."""
    assert run("roar", "daemon", "start", cwd=Path("/")).returncode == 0
    assert run("roar", "tracer", "status", cwd=Path("/")).returncode == 0
    return daemon.parent / "state" / "roar" / "roard.log"


def test_following_loses_no_line_when_the_log_is_rotated_again_and_again(log: Path) -> None:
    assert run("roar", "daemon", "stop", cwd=Path("/")).returncode == 0
    number = figure(40, 2000)
    writer = logging.getLogger("writer")
    writer.propagate = False
    # As the daemon's own, but for the size: a file holds four lines, and two files are kept.
    handler = logging.handlers.RotatingFileHandler(log, maxBytes=400, backupCount=2)
    writer.addHandler(handler)
    with following("-n", "1") as lines:
        assert next(lines)
        for first in range(0, number, 10):
            # Three files at once: the follower finds the one in the middle, too.
            for line in range(first, first + 10):
                writer.warning("line %d %s", line, "x" * 90)
            assert [next(lines).split()[1] for _ in range(10)] == [str(line) for line in range(first, first + 10)]
    handler.close()
    assert log.with_name("roard.log.2").exists()


def test_following_goes_on_with_the_next_daemon(log: Path) -> None:
    assert log.exists()
    with following("-n", "1") as lines:
        assert next(lines)
        pid = run("roar", "daemon", "restart", cwd=Path("/")).stdout.split("pid ")[1].strip()
        assert any(f" {pid} INFO roard.app: ready at " in line for line in lines)
        os.kill(int(pid), signal.SIGKILL)
        pid = run("roar", "daemon", "start", cwd=Path("/")).stdout.split("pid ")[1].strip()
        assert any(f" {pid} INFO roard.app: ready at " in line for line in lines)


def test_no_log_has_the_words_of_a_command_or_the_environment(project: Path, daemon: Path) -> None:
    environment = {"MY_TOKEN": SECRET}
    words = ("roar", "run", "sh", "-c", f": {SECRET}; echo x > made", f"--token={SECRET}")
    run("git", "remote", "add", "origin", f"https://ada:{SECRET}@example.org/x.git", cwd=project)
    assert run(*words, cwd=project, **environment).returncode == 0
    # A statement that fails in a way that nobody has foreseen is logged with all that is known of it.
    with contextlib.closing(sqlite3.connect(project / ".roar" / "roar.db")) as database:
        database.execute("CREATE TRIGGER refuse BEFORE INSERT ON jobs BEGIN SELECT RAISE(ABORT, 'not today'); END")
    assert "warning[not-recorded]: the daemon met an unexpected condition" in run(*words, cwd=project).stderr
    # Nor when the launcher dies and its run is damaged.
    with subprocess.Popen(
        ["roar", "run", "sh", "-c", f"echo ready; read line; : {SECRET}"],
        cwd=project, env={**os.environ, **environment}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as started:  # fmt: skip
        assert started.stdout
        assert started.stdout.readline() == b"ready\n"
        started.kill()
    run("roar", "log", cwd=project, **environment)
    token = (daemon / "roard.token").read_text()
    assert run("roar", "daemon", "restart", cwd=project, **environment).returncode == 0
    wait_for(lambda: "not today" in logs(daemon), "the error in the log")
    for secret in (SECRET, token, (daemon / "roard.token").read_text()):
        assert secret not in logs(daemon)


def logs(daemon: Path) -> str:
    """Returns everything that daemons and who starts them have written of themselves."""
    places = [*(daemon.parent / "state" / "roar").glob("roard.log*"), daemon / "roard.stderr"]
    return "".join(place.read_text() for place in places if place.exists())
