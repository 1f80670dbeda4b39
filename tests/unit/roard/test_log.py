"""Where the log goes, and in which form."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from roard.log import open_log
from roard.paths import state_dir


@pytest.fixture(autouse=True)
def _quiet_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:], logging.raiseExceptions = handlers, raising
    root.setLevel(level)


@pytest.fixture
def log_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "roar" / "roard.log"


def test_it_goes_beside_the_socket_when_the_home_cannot_be_written(
    tmp_path: Path, log_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_log(bytes(tmp_path), is_service=False) == bytes(log_file)
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    assert open_log(bytes(tmp_path), is_service=False) == bytes(tmp_path / "roard.log")
    assert open_log(b"/proc/nowhere", is_service=False) == b""
    assert state_dir() == b"/proc/nowhere/roar"


def test_a_service_tells_the_journal_too_with_a_priority_on_every_line(
    tmp_path: Path, log_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    open_log(bytes(tmp_path), is_service=True)
    logging.getLogger("roard.x").info("first\nsecond")
    logging.getLogger("roard.x").error("third")
    assert capsys.readouterr().err == "<6>roard.x: first\n<6>second\n<3>roard.x: third\n"
    assert log_file.read_text().splitlines()[0].endswith(f" {os.getpid()} INFO roard.x: first")


def test_a_stream_to_the_journal_is_known_by_its_inode_not_by_the_variable(
    tmp_path: Path, log_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "stream").open("w") as stream:
        found = os.fstat(stream.fileno())
        monkeypatch.setattr(sys, "stderr", stream)
        for variable, lines in ((f"{found.st_dev}:{found.st_ino + 1}", 0), (f"{found.st_dev}:{found.st_ino}", 1)):
            monkeypatch.setenv("JOURNAL_STREAM", variable)
            open_log(bytes(tmp_path), is_service=False)
            logging.getLogger("roard.x").warning("word")
            assert (tmp_path / "stream").read_text().count("<4>roard.x: word\n") == lines
    assert log_file.read_text().count("WARNING") == 2
