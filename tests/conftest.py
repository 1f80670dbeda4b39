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
from project_kit import make_project

# Tests fork with threads of grpc around; its handlers for that can abort the child, which is about to exec anyway.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"


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
        subprocess.run(["roar", "daemon", "stop"], capture_output=True, timeout=60, check=False)
    # Daemon and collector may be taking away what is theirs just now.
    shutil.rmtree(home, ignore_errors=True)


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


@pytest.fixture
def project(tmp_path: Path, daemon: Path) -> Path:
    """A fresh roar project in a git repository with one commit; `data/` in it is git-ignored."""
    assert os.environ["ROAR_RUNTIME_DIR"] == str(daemon)
    return make_project(tmp_path / "project")
