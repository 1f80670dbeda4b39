"""What is broken around a run (project, disk, daemon, tracer, launcher) never harms the command, and is said once."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from daemon_kit import wait_for
from launcher_kit import daemon_pid, jobs, newest_job, run, run_directories, written

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system, which only root may")


def assert_not_started(project: Path, status: int, error: str, *options: str, **surroundings: Any) -> None:
    """Asserts that roar refuses to start a command, for this reason."""
    marker = project / "marker"
    done = run("roar", "run", *options, "touch", str(marker), cwd=project, **surroundings)
    assert done.returncode == status, done.stderr
    assert done.stderr.decode().startswith(f"error[{error}]: "), done.stderr
    assert not marker.exists()
    runs = project / ".roar" / "runs"
    assert not runs.is_dir() or not list(runs.iterdir())


def assert_runs_unrecorded(project: Path, cause: str, **surroundings: Any) -> None:
    """Asserts that a command runs as ever, and that one warning tells why it is not recorded."""
    done = run("roar", "run", "sh", "-c", "cat; exit 3", cwd=project, input=b"data", **surroundings)
    assert (done.returncode, done.stdout) == (3, b"data"), done.stderr
    said = done.stderr.decode()
    assert said.count("warning[") == 1, said
    assert said.startswith("warning[not-recorded]: "), said
    assert cause in said


def test_no_project(tmp_path: Path, daemon: Path) -> None:
    assert_not_started(tmp_path, 125, "no-project")
    assert not daemon.exists(), "a daemon was started for nothing"


def test_a_project_that_cannot_be_read(tmp_path: Path, daemon: Path) -> None:
    (tmp_path / ".roar").mkdir()
    (tmp_path / ".roar" / "roar.db").symlink_to("roar.db")
    assert_not_started(tmp_path, 125, "unreadable-project")
    assert not daemon.exists()


def test_a_broken_configuration_with_and_without_a_daemon(project: Path) -> None:
    (project / ".roar" / "config.toml").write_text("[output]\nquiet = = true\n")
    run("roar", "daemon", "stop", cwd=project)
    assert_not_started(project, 125, "bad-config")
    run("roar", "daemon", "start", cwd=project)
    assert_not_started(project, 125, "bad-config")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[None]:
    """A file system of 16 MiB where the project will be."""
    where = tmp_path / "project"
    where.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", where], check=True)
    yield
    subprocess.run(["umount", "--lazy", where], check=True)


@as_root
@pytest.mark.usefixtures("small_disk")
def test_a_disk_that_is_full_before_the_run(project: Path) -> None:
    filler = project / "data"
    run("dd", "if=/dev/zero", f"of={filler}", "bs=4096")
    assert_runs_unrecorded(project, "No space left on device")
    filler.unlink()
    assert run("roar", "run", "true", cwd=project).returncode == 0
    assert newest_job(project)["command"] == ["true"]


@as_root
@pytest.mark.usefixtures("small_disk")
def test_a_disk_that_the_command_fills_loses_no_run(project: Path) -> None:
    done = run("roar", "run", "sh", "-c", "cat /dev/zero > filler; exit 3", cwd=project)
    assert done.returncode == 3
    assert b"warning[not-recorded]: " in done.stderr
    (project / "filler").unlink()
    run("roar", "daemon", "stop", cwd=project)
    [job] = wait_for(lambda: jobs(project), "the record")
    assert job["command"][0] == "sh"


def test_a_run_directory_that_cannot_be_written(project: Path) -> None:
    shutil.rmtree(project / ".roar" / "runs", ignore_errors=True)
    (project / ".roar" / "runs").write_text("in the way")
    assert_runs_unrecorded(project, "Not a directory")


def test_a_limit_on_file_sizes_kills_neither_roar_nor_the_command(project: Path) -> None:
    assert_runs_unrecorded(
        project, "File too large", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    )


def test_a_runtime_directory_open_to_others_is_not_used(project: Path, daemon: Path) -> None:
    run("roar", "daemon", "stop", cwd=project)
    daemon.mkdir(exist_ok=True)
    daemon.chmod(0o777)
    assert_runs_unrecorded(project, "other users have access to it")
    daemon.chmod(0o700)
    assert run("roar", "run", "true", cwd=project).returncode == 0
    wait_for(lambda: len(jobs(project)) == 2, "the record of the first run")


def test_a_run_without_any_daemon_is_recorded_by_the_next_with_its_commit(project: Path, tmp_path: Path) -> None:
    run("roar", "daemon", "stop", cwd=project)
    lonely = tmp_path / "roar"
    shutil.copy(str(shutil.which("roar")), lonely)
    done = run(str(lonely), "run", "sh", "-c", "echo x > made; exit 3", cwd=project)
    assert done.returncode == 3
    assert done.stderr.startswith(b"warning[not-recorded]: cannot start `roard`"), done.stderr
    commit = run("git", "rev-parse", "HEAD", cwd=project).stdout.decode().strip()
    run("git", "-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "later", cwd=project)
    wait_for(lambda: jobs(project), "the record")
    job = newest_job(project)
    assert job["exit_code"] == 3
    assert job["git"]["commit"] == commit
    assert written(job) == ["made"]


def test_a_daemon_that_cannot_start_is_not_waited_for_and_its_last_words_are_shown(
    project: Path, tmp_path: Path
) -> None:
    run("roar", "daemon", "stop", cwd=project)
    shutil.copy(str(shutil.which("roar")), tmp_path / "roar")
    (tmp_path / "roard").write_text("#!/bin/sh\necho 'no module named grpc' >&2\nexit 1\n")
    (tmp_path / "roard").chmod(0o755)
    done = run(str(tmp_path / "roar"), "run", "sh", "-c", "exit 3", cwd=project)
    assert done.returncode == 3
    said = done.stderr.decode()
    assert said.startswith("warning[not-recorded]: `roard` ended while it started\n  no module named grpc\n"), said


def test_no_daemon_is_started_where_one_is_required_to_run_already(project: Path) -> None:
    run("roar", "daemon", "stop", cwd=project)
    assert_runs_unrecorded(project, "ROAR_DAEMON=require", env={**os.environ, "ROAR_DAEMON": "require"})
    assert run("roar", "daemon", "status", cwd=project).returncode != 0


def test_a_daemon_that_does_not_answer_is_not_waited_for(project: Path, daemon: Path) -> None:
    run("roar", "daemon", "stop", cwd=project)
    daemon.mkdir(mode=0o700, exist_ok=True)
    (daemon / "roard.token").write_text("word")
    with socket.socket(socket.AF_UNIX) as mute:
        (daemon / "roard.sock").unlink(missing_ok=True)
        mute.bind(str(daemon / "roard.sock"))
        mute.listen(5)
        started = time.monotonic()
        assert_runs_unrecorded(project, "did not answer")
        assert time.monotonic() - started < 30
    (daemon / "roard.sock").unlink()


def test_a_daemon_killed_during_the_run_is_replaced(project: Path) -> None:
    run("roar", "run", "true", cwd=project)
    pid = daemon_pid(project)
    done = run("roar", "run", "sh", "-c", f"echo x > made; kill -KILL {pid}; exit 3", cwd=project)
    assert done.returncode == 3
    assert b" job " in done.stderr
    assert written(newest_job(project)) == ["made"]
    assert daemon_pid(project) != pid


def test_a_launcher_killed_during_the_run_leaves_the_command_alone(project: Path) -> None:
    script = "echo 1 > early; echo ready; read line; echo 2 > late; echo done; exit 3"
    with subprocess.Popen(
        ["roar", "run", "sh", "-c", script], cwd=project, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        process.kill()
        assert process.wait() == -signal.SIGKILL
        process.stdin.write(b"go on\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"done\n"
    wait_for(lambda: jobs(project), "the record")
    job = newest_job(project)
    assert written(job) == ["early", "late"]
    assert job["exit_code"] == 3
    assert [warning.split(":")[0] for warning in job["warnings"]] == ["launcher-lost"]
    assert not run_directories(project)


def test_who_does_not_wait_for_the_recording_still_gets_a_record(project: Path) -> None:
    run("roar", "run", "true", cwd=project)
    pid = daemon_pid(project)
    words = ["roar", "run", "sh", "-c", f"kill -STOP {pid}; echo x > made; exit 3"]
    with subprocess.Popen(words, cwd=project, stderr=subprocess.PIPE) as process:
        wait_for(lambda: [run for run in run_directories(project) if (run / "folded").exists()], "the end of the run")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 3
        assert process.stderr
        assert b"the daemon goes on recording" in process.stderr.read()
    os.kill(pid, signal.SIGCONT)
    wait_for(lambda: len(jobs(project)) == 2, "the record")
    assert written(newest_job(project)) == ["made"]


def test_where_ptrace_is_taken_the_command_runs_untraced_or_not_at_all(project: Path) -> None:
    run("roar", "run", "true", cwd=project)  # starts the daemon, which is not started from within a trace
    # A process can have one tracer only, here strace.
    strace = ("strace", "-f", "-o", "/dev/null")
    done = run(*strace, "roar", "run", "--tracer", "ptrace", "sh", "-c", "echo x > made; exit 3", cwd=project)
    assert done.returncode == 3
    assert done.stderr.startswith(b"warning[untraced]: "), done.stderr
    assert done.stderr.count(b"warning[untraced]") == 1
    job = newest_job(project)
    assert (job["tracer"], job["outputs"]) == ("none", [])
    assert [warning.split(":")[0] for warning in job["warnings"]] == ["untraced"]
    marker = project / "marker"
    done = run(*strace, "roar", "run", "--tracer=ptrace", "--no-tracer-fallback", "touch", str(marker), cwd=project)
    assert done.returncode == 125
    assert done.stderr.startswith(b"error[tracer-unavailable]: "), done.stderr
    assert not marker.exists()


@pytest.mark.parametrize("tracer", ["preload", "ptrace"])
def test_a_run_inside_a_run_is_seen_by_the_outer_one_or_it_says_so(project: Path, tracer: str) -> None:
    roar_run = ("roar", "run", "--tracer", tracer)
    done = run(*roar_run, *roar_run, "sh", "-c", "echo x > made; exit 3", cwd=project)
    assert done.returncode == 3
    inner, outer = sorted(jobs(project), key=lambda job: len(job["command"]))
    assert (inner["exit_code"], outer["exit_code"]) == (3, 3)
    newest = newest_job(project)
    said = [warning.split(":")[0] for warning in newest["warnings"]]
    seen, code = ([], "nested-run") if tracer == "preload" else (["made"], "nested-tracer")
    assert (written(newest), newest["complete"], said) == (seen, bool(seen), [code])


def test_the_keeper_of_a_run_ends_before_its_launcher_even_when_it_is_stopped(project: Path) -> None:
    words = ["roar", "run", "--tracer", "preload", "sh", "-c", "read line"]
    with subprocess.Popen(words, cwd=project, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        keeper = wait_for(lambda: child_named("roar-keeper", process.pid), "the keeper")
        os.kill(keeper, signal.SIGSTOP)
        process.communicate(b"go on\n", 60)
    assert not Path(f"/proc/{keeper}").exists()


def child_named(name: str, parent: int) -> int:
    """Returns its process id; 0: there is none."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            told = (folder / "stat").read_text()
            if f"({name})" in told and told.rsplit(")", 1)[1].split()[1] == str(parent):
                return int(folder.name)
    return 0
