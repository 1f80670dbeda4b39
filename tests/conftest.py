"""Fixtures that several folders of tests share: a daemon that is nobody else's, and a project to record in."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# Tests fork with threads of grpc around; its handlers for that can abort the child, which is about to exec anyway.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
GIT = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")


@pytest.fixture(scope="session", autouse=True)
def _signals_as_in_a_terminal() -> None:
    """Whoever starts the tests may ignore signals, as `nohup` and a script's `&` do; children would inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@contextmanager
def private_daemon() -> Iterator[Path]:
    """Yields an empty runtime directory that all commands use meanwhile; stops the daemon that they started in it."""
    # Not in pytest's own folder: a socket's path has about 100 bytes.
    home = Path(tempfile.mkdtemp(prefix="roar-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROAR_RUNTIME_DIR", str(home / "run"))
        patch.setenv("XDG_STATE_HOME", str(home / "state"))
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        yield home / "run"
        subprocess.run(["roar", "daemon", "stop"], capture_output=True, timeout=30, check=False)
    shutil.rmtree(home)


@pytest.fixture
def daemon() -> Iterator[Path]:
    """A daemon of this test alone, started by the first command that needs it: its runtime directory."""
    with private_daemon() as runtime:
        yield runtime


@pytest.fixture(scope="module")
def module_daemon() -> Iterator[Path]:
    """As `daemon`, for all tests of a module."""
    with private_daemon() as runtime:
        yield runtime


def make_project(root: Path) -> Path:
    """Makes a git repository with one commit and a roar project in it."""
    root.mkdir(parents=True, exist_ok=True)
    (root / ".gitignore").write_text(".roar/\n/data/\n")
    subprocess.run([*GIT, "init", "-q", "-b", "main"], cwd=root, check=True)
    subprocess.run(["roar", "init", "-n"], cwd=root, check=True, capture_output=True)
    subprocess.run([*GIT, "add", "-A"], cwd=root, check=True)
    subprocess.run([*GIT, "commit", "-qm", "start"], cwd=root, check=True)
    return root


@pytest.fixture
def project(tmp_path: Path, daemon: Path) -> Path:
    """A fresh roar project in a git repository with one commit; `data/` in it is git-ignored."""
    assert os.environ["ROAR_RUNTIME_DIR"] == str(daemon)
    return make_project(tmp_path / "project")
