"""A daemon for all tests of the command line, a project for each, and the command line itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_kit import NOW_NS, Cli, Recorder, pipeline
from daemon_kit import Daemon, running_daemon


@pytest.fixture(scope="session")
def shared_daemon() -> Iterator[Daemon]:
    """One daemon: projects keep apart by themselves."""
    with running_daemon() as daemon:
        yield daemon


@pytest.fixture
def recorder(tmp_path: Path, shared_daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """An empty project, known to the commands that the test runs."""
    monkeypatch.setenv("ROAR_RUNTIME_DIR", str(shared_daemon.runtime))
    monkeypatch.setenv("XDG_STATE_HOME", str(shared_daemon.home / "state"))
    for name in ("NO_COLOR", "FORCE_COLOR", "ROAR_DAEMON"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path.resolve() / "project"
    root.mkdir()
    shared_daemon.init(root)
    return Recorder(shared_daemon, root)


@pytest.fixture
def recorded(recorder: Recorder) -> Recorder:
    """A project with a pipeline of three steps."""
    pipeline(recorder)
    return recorder


@pytest.fixture
def cli(recorder: Recorder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line, two hours after everything was recorded, in Greenwich."""
    monkeypatch.setattr("roar_client.output.human.now_ns", lambda: NOW_NS)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    return Cli(capsys, monkeypatch, recorder.root)


@pytest.fixture
def roar_py() -> list[str]:
    """The words that run the command line as a process of its own."""
    return [sys.executable, "-m", "roar_client"]
