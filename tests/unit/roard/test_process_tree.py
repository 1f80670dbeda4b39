"""What the processes below one use, against processes that the test starts."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon_kit import wait_for

from roard.supervision.process_tree import NOTHING, OpenFile, look

PARENT = """\
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=subprocess.PIPE)
sys.stdin.read()
child.stdin.close()
child.wait()
"""


@contextlib.contextmanager
def tree(code: str, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a process whose child runs some code and then waits; yields the process, which `look` leaves out."""
    waiting = f"{code}\nimport sys; print('there', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", PARENT, waiting]
    with subprocess.Popen(command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"there\n"
        yield parent
        parent.communicate()


def test_a_child_with_its_threads_memory_and_bytes(tmp_path: Path) -> None:
    code = """
import threading
threading.Thread(target=sys.stdin.read, daemon=True).start()
held = bytearray(b"x" * 30_000_000)
open("out", "wb").write(held)
open("out", "rb").read()
"""
    with tree(f"import sys{code}", tmp_path) as parent:
        usage = look(parent.pid, b"/nowhere").usage
        assert usage
        assert (usage.processes, usage.threads) == (1, 2)
        assert usage.rss_bytes > 30_000_000
        assert usage.read_bytes > 30_000_000
        assert usage.written_bytes > 30_000_000


def test_open_files_with_their_positions_those_written_first(tmp_path: Path) -> None:
    code = """
import os
os.write(os.open("b.out", os.O_WRONLY | os.O_CREAT), b"12345")
first, second = (os.open("a.in", os.O_RDONLY) for _ in range(2))
os.read(first, 7)
os.write(os.open("run/trace.0", os.O_WRONLY | os.O_CREAT), b"own")
os.unlink("gone") if os.open("gone", os.O_RDWR | os.O_CREAT) else None
kept = os.pipe(), open("/dev/null")
"""
    (tmp_path / "run").mkdir()
    (tmp_path / "a.in").write_text("0123456789")
    with tree(code, tmp_path) as parent:
        assert look(parent.pid, bytes(tmp_path / "run")).files == (
            OpenFile(bytes(tmp_path / "b.out"), size=5, position=5, written=True),
            OpenFile(bytes(tmp_path / "a.in"), size=10, position=7, written=False),
        )


def test_cpu_of_children_that_have_ended_counts(tmp_path: Path) -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}], check=True)"
    with tree(code, tmp_path) as parent:
        usage = look(parent.pid, b"/nowhere").usage
        assert usage
        assert usage.cpu_ns >= 250_000_000


@pytest.mark.parametrize("name", [b"roar-keeper", b"roar-witness", b"roar-ptrace"])
def test_what_roar_puts_beside_the_command_is_left_out(tmp_path: Path, name: bytes) -> None:
    code = f"import ctypes; ctypes.CDLL(None).prctl(15, {name!r}, 0, 0, 0)"
    with tree(code, tmp_path) as parent:
        assert look(parent.pid, b"/nowhere") == NOTHING


def test_names_that_look_like_the_end_of_a_name(tmp_path: Path) -> None:
    with tree("import ctypes; ctypes.CDLL(None).prctl(15, b') Z (1) Z 1', 0, 0, 0)", tmp_path) as parent:
        usage = look(parent.pid, b"/nowhere").usage
        assert usage
        assert usage.processes == 1


def test_nothing_of_a_process_that_has_ended(tmp_path: Path) -> None:
    with tree("", tmp_path) as parent:
        pid = parent.pid
    wait_for(lambda: not os.path.exists(f"/proc/{pid}"), "its end")
    assert look(pid, b"/nowhere") == NOTHING
