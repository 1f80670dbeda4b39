"""The daemon comes when it is needed, once, and goes when it is told."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon_kit import wait_for


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime directory without a daemon; whatever was started in it is ended."""
    home = Path(tempfile.mkdtemp(prefix="roar-"))
    monkeypatch.setenv("ROAR_RUNTIME_DIR", str(home / "run"))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.delenv("ROAR_DAEMON", raising=False)
    yield home
    roar("daemon", "stop", cwd=home)
    # Daemon and collector may be taking away what is theirs just now.
    shutil.rmtree(home, ignore_errors=True)


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "roar_client", *words]


def roar(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


def test_the_first_command_starts_it_in_a_session_of_its_own(place: Path, tmp_path: Path) -> None:
    assert (roar("daemon", "status", cwd=tmp_path).stdout, (place / "run" / "roard.sock").exists()) == (
        "no daemon is running\n",
        False,
    )
    assert roar("init", cwd=tmp_path).returncode == 0
    status = roar("daemon", "status", cwd=tmp_path)
    assert status.returncode == 0
    pid = int(status.stdout.split("pid ")[1].split()[0])
    assert os.getsid(pid) == pid
    assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")
    # That `roar init` was over when it had printed shows that the daemon does not hold its pipes.
    assert Path(f"/proc/{pid}/fd/0").readlink() == Path("/dev/null")


def test_many_commands_at_once_start_one(place: Path, tmp_path: Path) -> None:
    started = [
        subprocess.Popen(command("daemon", "start"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    said = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0] * 8, said
    assert len({out.split("pid ")[1] for out, _ in said}) == 1
    assert place.exists()
    assert tmp_path.exists()


def test_stop_and_restart(place: Path) -> None:
    first = roar("daemon", "start", cwd=place).stdout.split("pid ")[1]
    second = roar("daemon", "restart", cwd=place).stdout.split("pid ")[1]
    assert first != second
    assert roar("daemon", "stop", cwd=place).stdout == "the daemon has ended\n"
    assert roar("daemon", "stop", cwd=place).stdout == "no daemon is running\n"
    wait_for(lambda: not Path(f"/proc/{int(second)}").exists(), "the end of the daemon")
    status = roar("daemon", "status", "--json", cwd=place)
    assert (status.returncode, '"running": false' in status.stdout) == (1, True)


def test_a_daemon_that_was_killed_is_replaced(place: Path, tmp_path: Path) -> None:
    assert roar("init", cwd=tmp_path).returncode == 0
    pid = int(roar("daemon", "status", cwd=tmp_path).stdout.split("pid ")[1].split()[0])
    os.kill(pid, signal.SIGKILL)
    assert (place / "run" / "roard.sock").exists()
    assert roar("status", cwd=tmp_path).returncode == 0


def test_one_that_is_just_ending_is_waited_for(place: Path) -> None:
    (place / "run").mkdir(mode=0o700)
    with (place / "run" / "roard.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        starting = subprocess.Popen(command("daemon", "start"), stdout=subprocess.PIPE, text=True)
        tried = place / "run" / "roard.stderr"
        wait_for(lambda: tried.exists() and "daemon-already-running" in tried.read_text(), "a daemon that gives way")
        assert starting.poll() is None
    out, _ = starting.communicate(timeout=60)
    assert (starting.returncode, "started, pid" in out) == (0, True)


def test_a_daemon_that_cannot_start_is_explained(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert place.exists()
    broken = tmp_path / "roard"
    broken.mkdir()
    (broken / "__init__.py").write_text("")
    (broken / "__main__.py").write_text("raise SystemExit('it is raining')\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.chdir(tmp_path)
    code = "import sys; sys.argv[0] = '/nowhere/roar-py'; sys.executable = sys.executable\n"
    code += "import roar_client.starting as s; s._program = lambda: [sys.executable, '-m', 'roard']\n"
    code += "from roar_client.main import run; sys.exit(run(['daemon', 'start']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error[no-daemon]: the daemon cannot be started\n  roard ended with 1\n  it is raining\n"
    )


def test_logs_can_be_followed(place: Path) -> None:
    # The daemon itself has nothing to add once it has looked at the backends.
    roar("tracer", "status", cwd=place)
    log = place / "state" / "roar" / "roard.log"
    following = subprocess.Popen(command("daemon", "logs", "-f", "-n", "1"), stdout=subprocess.PIPE, text=True)
    assert following.stdout is not None
    assert following.stdout.readline().startswith("20")
    with log.open("a") as file:
        file.write("one more line\n")
    assert following.stdout.readline() == "one more line\n"
    log.rename(log.with_suffix(".1"))
    log.write_text("a new file\n")
    assert following.stdout.readline() == "a new file\n"
    following.send_signal(signal.SIGINT)
    assert following.wait(60) == 130
    following.stdout.close()


def test_no_log_is_no_traceback(place: Path) -> None:
    said = roar("daemon", "logs", cwd=place)
    assert (said.returncode, said.stderr.startswith("error[no-log]: there is no log at `")) == (1, True)
