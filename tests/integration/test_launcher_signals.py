"""Signals and job control: the command gets each signal once, and the shell sees what it sees of the bare command."""

from __future__ import annotations

import ctypes
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest
from daemon_kit import wait_for
from launcher_kit import jobs, newest_job, run, written

# Writes a line for each signal that it gets.
LISTENER = """
import os, signal, sys
def note(number, frame):
    os.write(1, f"got {signal.Signals(number).name}\\n".encode())
for number in (1, 2, 3, 10, 12, 15, 18, 28):
    signal.signal(number, note)
os.write(1, b"ready\\n")
while True:
    signal.pause()
"""

LISTENED = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGWINCH")


@pytest.fixture
def daemon(module_daemon: Path) -> Path:
    """One daemon serves the tests of this file."""
    return module_daemon


@contextmanager
def listener(project: Path, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """Yields a roar whose command tells of its signals; ends the command by SIGKILL."""
    words = ("roar", "run", sys.executable, "-c", LISTENER)
    with subprocess.Popen(words, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options) as process:  # type: ignore[call-overload]
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        try:
            yield process
        finally:
            for child in children(process.pid):
                os.kill(child, signal.SIGKILL)
            process.communicate(timeout=60)


def children(pid: int) -> list[int]:
    """Returns the command's process (the tracer, the other child, is in a session of its own)."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found if Path(f"/proc/{child}/comm").read_text().strip().startswith("python")]


def heard(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout
    return process.stdout.readline().decode().strip()


def nothing_more(process: subprocess.Popen[bytes]) -> None:
    """Asserts that no signal but the one sent here is told of: signals are told of in order."""
    [command] = children(process.pid)
    time.sleep(0.1)  # a second delivery would be under way for some milliseconds
    os.kill(command, signal.SIGWINCH)
    assert heard(process) == "got SIGWINCH"


@pytest.mark.parametrize("name", LISTENED)
def test_a_signal_sent_to_roar_alone_reaches_the_command_once(project: Path, name: str) -> None:
    with listener(project) as process:
        process.send_signal(getattr(signal, name))
        assert heard(process) == f"got {name}"
        nothing_more(process)


@pytest.mark.parametrize("name", LISTENED)
def test_a_signal_sent_to_the_group_reaches_the_command_once(project: Path, name: str) -> None:
    with listener(project, start_new_session=True) as process:
        os.killpg(process.pid, getattr(signal, name))
        assert heard(process) == f"got {name}"
        nothing_more(process)
        # and a later one to roar alone is not taken for one to the group
        process.send_signal(getattr(signal, name))
        assert heard(process) == f"got {name}"


def test_a_signal_of_the_command_to_its_own_group_does_not_come_back(project: Path) -> None:
    script = 'n=0; trap "n=\\$((n+1))" USR1; kill -USR1 0; sleep 0.3; echo $n'
    done = run("roar", "run", "sh", "-c", script, cwd=project, start_new_session=True)
    assert (done.returncode, done.stdout) == (0, b"1\n")


def test_a_signal_of_the_command_to_its_parent_does_not_come_back(project: Path) -> None:
    done = run("roar", "run", "sh", "-c", 'trap "echo back" TERM; kill -TERM $PPID; sleep 0.3', cwd=project)
    assert (done.returncode, done.stdout) == (0, b"")


def test_the_value_of_a_queued_signal_is_passed_on(project: Path) -> None:
    script = (
        "import signal, sys; number = signal.SIGRTMIN + 3; signal.pthread_sigmask(signal.SIG_BLOCK, [number]);"
        "print('ready', flush=True); print(signal.sigwaitinfo([number]).si_code)"
    )
    words = ("roar", "run", sys.executable, "-c", script)
    with subprocess.Popen(words, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert heard(process) == "ready"
        ctypes.CDLL(None).sigqueue(process.pid, signal.SIGRTMIN + 3, ctypes.c_void_p(77))
        assert heard(process) == "-1", "not sent by sigqueue"


def test_an_alarm_that_the_caller_has_set_ends_the_command(project: Path) -> None:
    done = run("roar", "run", "sleep", "90", cwd=project, preexec_fn=lambda: signal.alarm(1))
    assert done.returncode == -signal.SIGALRM


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_an_end_from_outside_is_recorded_as_interrupted_with_what_was_written(project: Path, name: str) -> None:
    script = "echo checkpoint > model; echo ready; exec sleep 90"
    words = ("roar", "run", "sh", "-c", script)
    with subprocess.Popen(words, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert heard(process) == "ready"
        process.send_signal(getattr(signal, name))
        assert process.wait(60) == -getattr(signal, name)
    job = newest_job(project)
    assert job["status"] == "interrupted"
    assert written(job) == ["model"]


def stopped_status(pid: int) -> int:
    """Waits until a child stops; returns the signal that stopped it."""
    _, status = os.waitpid(pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), status
    return os.WSTOPSIG(status)


@pytest.mark.parametrize("name", ["SIGTSTP", "SIGSTOP", "SIGTTIN", "SIGTTOU"])
@pytest.mark.parametrize("to_group", [True, False])
def test_roar_stops_and_goes_on_with_the_command(project: Path, name: str, to_group: bool) -> None:  # noqa: FBT001
    script = f"kill -{name.removeprefix('SIG')} $$; echo went on; exit 3"
    words = ("roar", "run", "sh", "-c", script)
    # A group of its own in this session: in a session of its own it would be orphaned, and could not be stopped.
    process = subprocess.Popen(
        words, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=os.setpgrp
    )
    assert stopped_status(process.pid) == getattr(signal, name)
    if to_group:
        os.killpg(process.pid, signal.SIGCONT)
    else:
        os.kill(process.pid, signal.SIGCONT)
    assert process.communicate(timeout=60)[0] == b"went on\n"
    assert process.returncode == 3


def shell(project: Path) -> pexpect.spawn[str]:
    """An interactive shell with job control in a project."""
    surroundings = {**os.environ, "PS1": "prompt> ", "TERM": "dumb", "INPUTRC": "/dev/null"}
    words = ["--norc", "--noprofile", "-i"]
    bash = pexpect.spawn("bash", words, cwd=str(project), env=surroundings, encoding="utf-8", timeout=60)
    bash.expect_exact("prompt> ")
    return bash


def test_a_shell_stops_lists_and_continues_a_run(project: Path) -> None:
    bash = shell(project)
    bash.sendline("roar run cat")
    bash.sendline("one")
    bash.expect("one\r\none\r\n")
    bash.sendcontrol("z")
    bash.expect(r"\[1\]\+ +Stopped +roar run cat")
    bash.expect_exact("prompt> ")
    bash.sendline("fg")
    bash.expect_exact("roar run cat\r\n")
    bash.sendline("two")
    bash.expect("two\r\ntwo\r\n")
    bash.sendcontrol("d")
    bash.expect("@1 cat .* job [0-9a-f]{8}")
    bash.expect_exact("prompt> ")
    bash.sendline("echo status=$?")
    bash.expect_exact("status=0")
    bash.close()


def test_a_run_in_the_background_stops_when_it_wants_the_terminal(project: Path) -> None:
    bash = shell(project)
    bash.sendline("roar run cat &")
    bash.expect_exact("prompt> ")
    bash.sendline("until jobs | grep Stopped; do sleep 0.1; done")
    bash.expect(r"\[1\]\+ +Stopped.* roar run cat")
    bash.sendline("kill %1; fg")
    bash.expect_exact("prompt> ")
    bash.sendline("echo status=$?")
    bash.expect_exact("status=143")
    bash.close()


@pytest.mark.parametrize(("key", "name"), [("c", "SIGINT"), ("\\", "SIGQUIT")])
def test_a_key_on_the_terminal_reaches_the_command_once(project: Path, key: str, name: str) -> None:
    (project / "listener.py").write_text(LISTENER)
    bash = shell(project)
    bash.sendline(f"roar run {sys.executable} listener.py")
    bash.expect_exact("ready")
    bash.sendcontrol(key)
    bash.expect_exact(f"got {name}")
    assert bash.expect_exact([f"got {name}", pexpect.TIMEOUT], timeout=0.3) == 1
    bash.sendcontrol("z")
    bash.expect("Stopped")
    bash.sendline("kill -KILL %1; fg")
    bash.expect_exact("prompt> ")
    bash.close()


def test_ctrl_c_ends_a_run_as_it_ends_the_bare_command(project: Path) -> None:
    bash = shell(project)
    for prefix in ("", "roar run "):
        bash.sendline(f"{prefix}sh -c 'echo part > out; echo ready; exec sleep 90'")
        bash.expect_exact("\r\nready")
        bash.sendcontrol("c")
        bash.expect_exact("prompt> ")
        bash.sendline("echo status=$?")
        bash.expect_exact("status=130")
    bash.close()
    job = newest_job(project)
    assert job["status"] == "interrupted"
    assert written(job) == ["out"]


def test_closing_the_terminal_leaves_a_record(project: Path) -> None:
    bash = shell(project)
    bash.sendline("roar run sh -c 'echo part > out; echo ready; exec sleep 90'")
    bash.expect_exact("\r\nready")
    bash.close()
    wait_for(lambda: jobs(project), "the record")
    job = newest_job(project)
    assert job["status"] == "interrupted"
    assert written(job) == ["out"]


def test_a_program_on_a_terminal_sees_the_terminal(project: Path) -> None:
    output = bytearray()

    def keep(fd: int) -> bytes:
        chunk = os.read(fd, 1000)
        output.extend(chunk)
        return chunk

    os.chdir(project)
    status = pty.spawn(["roar", "run", "sh", "-c", "tty; test -t 0 && test -t 1 && test -t 2"], keep)
    assert os.waitstatus_to_exitcode(status) == 0
    assert re.match(rb"/dev/pts/\d+\r\n", bytes(output))
