"""`roar run CMD` is CMD: the same output, exit status, descriptors, signal state and environment, plus a record."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from launcher_kit import daemon_pid, jobs, newest_job, run, written

PROBE = """
import json, os, resource, sys
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
def target(fd):
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return None
listing = os.open("/proc/self/fd", os.O_RDONLY)
descriptors = {int(fd): target(fd) for fd in os.listdir(listing) if int(fd) != listing}
os.write(int(sys.argv[1]), json.dumps({
    "signals": {key: status[key].strip() for key in ("SigBlk", "SigIgn", "SigCgt")},
    "descriptors": {fd: name for fd, name in descriptors.items() if name is not None},
    "environment": dict(os.environ),
    "cwd": os.getcwd(),
    "umask": status["Umask"].strip(),
    "nice": os.nice(0),
    "limits": {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if "RLIMIT_" in name},
    "argv": sys.argv,
}).encode())
"""


@pytest.fixture
def daemon(module_daemon: Path) -> Path:
    """One daemon serves the tests of this file."""
    return module_daemon


def test_the_exit_status_is_that_of_the_command(project: Path) -> None:
    for status in (0, 1, 7, 126, 127, 255):
        assert run("roar", "run", "sh", "-c", f"exit {status}", cwd=project).returncode == status
        assert newest_job(project)["exit_code"] == status


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL", "SIGSEGV", "SIGABRT", "SIGPIPE", "SIGUSR1"])
def test_a_command_killed_by_a_signal_ends_roar_by_the_same(project: Path, name: str) -> None:
    number = getattr(signal, name)
    enough = (resource.RLIM_INFINITY, resource.RLIM_INFINITY) if os.geteuid() == 0 else (0, 0)
    done = run(
        *("roar", "run", "sh", "-c", f"ulimit -c 0; kill -{number} $$"),
        cwd=project,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, enough),
    )
    assert done.returncode == -number
    assert not list(project.glob("core*")), "roar left a core file of its own"
    assert newest_job(project)["exit_code"] is None


def test_the_streams_are_untouched_and_the_summary_goes_to_stderr(project: Path) -> None:
    data = bytes(range(256)) * 4000
    done = run("roar", "run", "sh", "-c", "cat; echo error >&2", input=data, cwd=project)
    assert done.stdout == data
    said = done.stderr.decode().splitlines()
    assert said[0] == "error"
    assert said[1].startswith("@1 ")
    assert f"job {newest_job(project)['id']}" in said[1]
    assert len(said) == 2


def test_quiet_means_no_word(project: Path) -> None:
    assert run("roar", "run", "-q", "true", cwd=project).stderr == b""


def test_a_name_names_the_step(project: Path) -> None:
    done = run("roar", "run", "-n", "prepare it", "--", "true", cwd=project)
    assert b" prepare it " in done.stderr


def test_a_command_works_from_any_directory_of_the_project(project: Path) -> None:
    (project / "a" / "b").mkdir(parents=True)
    done = run("roar", "run", "sh", "-c", "pwd; echo x > made", cwd=project / "a" / "b")
    assert done.stdout.decode().strip() == str(project / "a" / "b")
    assert written(newest_job(project)) == ["a/b/made"]


def test_words_that_are_not_utf8_arrive_unchanged(project: Path) -> None:
    odd = b"caf\xe9\x01"
    assert run("roar", "run", "printf", "%s", odd, cwd=project).stdout == odd


def set_sigpipe_ignored() -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)


def set_signals_as_nohup_and_an_old_shell_do() -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN)


def set_signals_blocked() -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR2, signal.SIGCHLD})


def set_odd_descriptors() -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for fd in (0, 1):
        os.close(fd)


def set_all_closed() -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for fd in (0, 1, 2):
        os.close(fd)


def set_surroundings() -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.umask(0o137)
    os.nice(3)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, 300))
    resource.setrlimit(resource.RLIMIT_STACK, (4 << 20, 4 << 20))


@pytest.mark.parametrize(
    "prepare",
    [
        set_sigpipe_ignored,
        set_signals_as_nohup_and_an_old_shell_do,
        set_signals_blocked,
        set_odd_descriptors,
        set_all_closed,
        set_surroundings,
    ],
)
def test_the_command_starts_in_the_state_that_the_caller_made(project: Path, prepare: Callable[[], None]) -> None:
    (project / "inherited").write_text("x")

    def probed(*before: str) -> dict[str, Any]:
        answer, answer_in = os.pipe()
        file = os.open(project / "inherited", os.O_RDONLY)
        words = [*before, sys.executable, "-I", "-c", PROBE, str(answer_in)]
        process = subprocess.Popen(
            words, cwd=project, pass_fds=(answer_in, file), preexec_fn=prepare, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, restore_signals=False,
        )  # fmt: skip
        os.close(answer_in)
        os.close(file)
        with os.fdopen(answer, "rb") as pipe:
            told: dict[str, Any] = json.loads(pipe.read())
        assert process.wait(60) == 0
        told["descriptors"] = {fd: name.split(":[")[0] for fd, name in told["descriptors"].items()}
        return told

    assert probed("roar", "run") == probed()


def test_a_reader_sees_the_end_when_the_command_ends_not_when_it_is_recorded(project: Path) -> None:
    run("roar", "run", "true", cwd=project)
    daemon = daemon_pid(project)
    words = ("roar", "run", "sh", "-c", "echo ready; read line")
    process = subprocess.Popen(
        words, cwd=project, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    assert process.stdout.readline() == b"ready\n"
    os.kill(daemon, signal.SIGSTOP)
    try:
        process.stdin.write(b"go on\n")
        process.stdin.flush()
        assert process.stdout.read() == b""
        assert process.poll() is None, "roar did not wait for the daemon"
    finally:
        os.kill(daemon, signal.SIGCONT)
    assert process.wait(60) == 0
    assert b"job " in process.stderr.read()
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()


def test_a_pipeline_of_two_runs_records_both(project: Path) -> None:
    line = "roar run sh -c 'seq 100000 | tee left' | roar run sh -c 'wc -l | tee right'"
    done = run("bash", "-c", line, cwd=project)
    assert done.stdout.strip() == b"100000"
    assert len(jobs(project)) == 2


def test_a_writer_whose_reader_is_gone_dies_of_sigpipe(project: Path) -> None:
    done = run("bash", "-c", "roar run yes | head -n 1; echo ${PIPESTATUS[0]}", cwd=project)
    assert done.stdout == b"y\n141\n"


def test_a_script_without_an_interpreter_line_is_run_by_the_shell(project: Path) -> None:
    (project / "script").write_text('echo "$0 $1"\n')
    (project / "script").chmod(0o755)
    assert run("roar", "run", "./script", "a b", cwd=project).stdout == b"./script a b\n"
    path = f"{project}:{os.environ['PATH']}"
    done = run("roar", "run", "script", "x", cwd=project, env={**os.environ, "PATH": path})
    assert done.stdout.decode() == f"{project}/script x\n"


def test_a_file_that_cannot_be_executed_does_not_hide_a_later_one(project: Path) -> None:
    for folder in ("first", "second"):
        (project / folder).mkdir()
        (project / folder / "prog").write_text(f"#!/bin/sh\necho {folder}\n")
    (project / "second" / "prog").chmod(0o755)
    path = f"{project}/first:{project}/second:{os.environ['PATH']}"
    assert run("roar", "run", "prog", cwd=project, env={**os.environ, "PATH": path}).stdout == b"second\n"


def test_what_cannot_be_executed_is_said_and_leaves_no_record(project: Path) -> None:
    (project / "plain").write_text("no program")
    (project / "orphan").write_text("#!/no/such/interpreter\n")
    (project / "orphan").chmod(0o755)
    for word, status, reason in (
        ("no-such-program", 127, b"error[command-not-found]: `no-such-program` was not found"),
        ("./no-such-file", 127, b"error[command-not-found]: `./no-such-file` was not found"),
        ("./orphan", 127, b"error[command-not-found]: `./orphan` is there and cannot be started"),
        ("./plain", 126, b"error[command-not-executable]: `./plain` cannot be executed"),
        ("./", 126, b"error[command-not-executable]: `./` cannot be executed"),
        ("", 127, b"error[command-not-found]: `` was not found"),
    ):
        done = run("roar", "run", word, cwd=project)
        assert (done.returncode, done.stdout) == (status, b""), word
        assert done.stderr.startswith(reason), done.stderr
    runs = project / ".roar" / "runs"
    assert not runs.exists() or not list(runs.iterdir())
    assert jobs(project) == []


@pytest.mark.parametrize("verb", ["run", "build"])
def test_help_and_usage(project: Path, verb: str) -> None:
    told = run("roar", verb, "-h", cwd=project)
    assert told.returncode == 0
    assert f"usage: roar {verb} ".encode() in told.stdout
    assert told.stderr == b""
    for words in ((), ("-q",), ("--frobnicate", "true"), ("--tracer", "magic", "true")):
        refused = run("roar", verb, *words, cwd=project)
        assert (refused.returncode, refused.stdout) == (2, b""), words
        assert refused.stderr.startswith(b"error[usage]: ")
        assert f"usage: roar {verb} ".encode() in refused.stderr


def test_other_commands_are_handed_over_whatever_link_roar_is_called_by(tmp_path: Path) -> None:
    roar = shutil.which("roar")
    assert roar
    (tmp_path / "link").symlink_to(roar)
    direct, linked = run("roar", "--version"), run(str(tmp_path / "link"), "--version")
    assert direct.returncode == 0
    assert direct.stdout == linked.stdout != b""
