"""At a terminal: questions, width, colours, the pager, Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pexpect
import pyte
import pytest
from cli_kit import Recorder
from daemon_kit import git
from pexpect.fdpexpect import fdspawn

PATIENCE_S = 60


class Terminal:
    """A command at a terminal of a given size."""

    def __init__(self, cwd: Path, *words: str, columns: int = 80, lines: int = 24, **environment: str) -> None:
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.Stream(self.screen)
        ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        # Not pexpect.spawn: it forks, and grpc, which this process has loaded, prints about forks.
        self.process = subprocess.Popen(
            ["setsid", "--ctty", sys.executable, "-m", "roar_client", *words],
            cwd=cwd,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm-256color", "PAGER": "cat", **environment},
        )
        os.close(theirs)
        self.child = fdspawn(ours, timeout=PATIENCE_S, encoding="utf-8")

    def finish(self) -> list[str]:
        """Waits for the end and returns the rows of the screen that are not empty."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        self.process.wait(PATIENCE_S)
        self.stream.feed(self.child.before or "")
        return [row.rstrip() for row in self.screen.display if row.strip()]

    @property
    def status(self) -> int:
        return self.process.returncode


@pytest.fixture
def repository(recorder: Recorder, tmp_path: Path) -> Path:
    """A git repository without a project."""
    assert recorder.root.exists()
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    return folder


@pytest.mark.parametrize(("answer", "added"), [("", True), ("y", True), ("n", False), ("what\ry", True)])
def test_init_asks_whether_to_change_gitignore(repository: Path, answer: str, *, added: bool) -> None:
    terminal = Terminal(repository, "init")
    terminal.child.expect_exact("add `.roar/` to .gitignore? [Y/n] ")
    terminal.child.send(answer + "\r")
    terminal.finish()
    assert terminal.status == 0
    assert (repository / ".gitignore").exists() == added


def test_ctrl_c_at_a_question_changes_nothing(recorded: Recorder) -> None:
    terminal = Terminal(recorded.root, "reset")
    terminal.child.expect(r"close the session [0-9a-f]{12} \(3 steps, 3 jobs\) and start a new one\? \[Y/n\] ")
    terminal.child.send("\x03")
    rows = terminal.finish()
    assert terminal.status == 130
    assert not any("Traceback" in row for row in rows)
    assert len(recorded.daemon.list_jobs(recorded.root)) == 3
    assert "3 jobs" in Terminal(recorded.root, "status").finish()[0]


def test_no_is_no(recorded: Recorder) -> None:
    terminal = Terminal(recorded.root, "reset")
    terminal.child.expect_exact("[Y/n] ")
    terminal.child.send("n\r")
    terminal.finish()
    assert terminal.status == 1
    assert "3 jobs" in Terminal(recorded.root, "status").finish()[0]


def test_lines_end_at_the_edge_of_a_narrow_terminal(recorded: Recorder) -> None:
    recorded.job("python a_rather_long_command.py --with --many --options", ["raw.csv"])
    rows = Terminal(recorded.root, "log", columns=60).finish()
    assert len(rows) == 5
    assert rows[1].endswith("…")
    assert max(map(len, rows)) <= 60
    rows = Terminal(recorded.root, "dag", columns=30).finish()
    assert all(len(row) <= 30 for row in rows)
    assert any(row.endswith("…") for row in rows)


def test_long_lists_of_files_are_not_for_one_screen(recorder: Recorder) -> None:
    names = {f"f{number:02}": str(number) for number in range(30)}
    recorder.job("python many.py", [], names)
    for name in names:
        (recorder.root / name).unlink()
    rows = Terminal(recorder.root, "status", lines=40).finish()
    assert sum("missing" in row for row in rows) == 11
    assert "  and 20 more: `roar status --json` has all" in rows


def test_colours_are_there_unless_unwanted(recorded: Recorder) -> None:
    terminal = Terminal(recorded.root, "status")
    terminal.finish()
    assert terminal.screen.buffer[2][2].fg == "cyan"
    terminal = Terminal(recorded.root, "status", NO_COLOR="1")
    rows = terminal.finish()
    assert {cell.fg for line in terminal.screen.buffer.values() for cell in line.values()} == {"default"}
    assert rows[1].startswith("  @1  preprocess.py")
    terminal = Terminal(recorded.root, "dag", "--no-color")
    terminal.finish()
    assert {cell.fg for line in terminal.screen.buffer.values() for cell in line.values()} == {"default"}


def test_what_is_taller_than_the_terminal_is_paged(recorded: Recorder) -> None:
    pager = "sh -c 'echo paged; cat >/dev/null'"
    rows = Terminal(recorded.root, "show", "@1", lines=10, ROAR_PAGER=pager).finish()
    assert rows == ["paged"]
    rows = Terminal(recorded.root, "show", "@1", lines=40, ROAR_PAGER=pager).finish()
    assert rows[0].startswith("job ")
    rows = Terminal(recorded.root, "show", "@1", lines=10, ROAR_PAGER="/not/there").finish()
    assert "processes (2); `--processes` lists them" in rows[-1]


def test_a_file_name_cannot_move_the_cursor(recorder: Recorder) -> None:
    recorder.job("python evil.py", [], {"evil\x1b[2J\rname\n": "x"})
    rows = Terminal(recorder.root, "show", "@1").finish()
    assert any(row.endswith("evil\\x1b[2J\\rname\\n") for row in rows)
