"""Places that are odd or go away under the daemon: a clear word or a working fallback, and never a hang."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daemon_kit import wait_for
from launcher_kit import answer, daemon_pid, jobs, newest_job, written
from other_versions import daemons, run
from project_kit import make_project

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts file systems, which only root may")


# --- away under the daemon


def test_a_project_that_is_removed_during_a_run_harms_neither_the_command_nor_the_daemon(
    project: Path, tmp_path: Path
) -> None:
    other = make_project(tmp_path / "other")
    pid = daemon_pid(other)
    done = run("roar", "run", "sh", "-c", f"rm -rf {project}; echo still here; exit 3", cwd=project)
    assert (done.returncode, done.stdout) == (3, "still here\n")
    assert done.stderr.startswith("warning[not-recorded]: "), done.stderr
    assert run("roar", "run", "true", cwd=other).returncode == 0
    assert len(jobs(other)) == 1
    assert daemon_pid(other) == pid


def test_a_project_that_is_removed_and_made_anew_is_another_one(project: Path) -> None:
    assert run("roar", "run", "true", cwd=project).returncode == 0
    shutil.rmtree(project / ".roar")
    gone = run("roar", "log", cwd=project)
    assert (gone.returncode, gone.stderr.splitlines()[0]) == (
        1,
        "error[no-project]: no roar project here or in a directory above",
    )
    assert run("roar", "init", "-n", cwd=project).returncode == 0
    assert jobs(project) == []
    assert run("roar", "run", "true", cwd=project).returncode == 0
    assert len(jobs(project)) == 1


def test_a_runtime_directory_that_is_removed_is_made_anew_and_no_run_is_lost(project: Path, daemon: Path) -> None:
    first = daemon_pid(project)
    done = run("roar", "run", "sh", "-c", f"rm -rf {daemon}; echo x > made; exit 3", cwd=project)
    assert (done.returncode, " job " in done.stderr) == (3, True), done.stderr
    assert written(newest_job(project)) == ["made"]
    assert daemon_pid(project) != first
    # The first one has noticed, and has not taken the socket of the second with it.
    wait_for(lambda: not is_alive(first), "the end of the first daemon")
    assert run("roar", "log", cwd=project).returncode == 0
    assert len(daemons(daemon)) == 2


def is_alive(pid: int) -> bool:
    """Returns whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# --- where there is no place


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Runs commands in a world with empty /tmp, /run and home, and without variables that name places."""
    base = Path("/var/tmp") / f"roar-test-{os.getpid()}-{tmp_path.name}"[:60]
    (base / "project").mkdir(parents=True)
    holder = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c",
         "mount -t tmpfs tmpfs /tmp; mount -t tmpfs tmpfs /run; echo ready; exec sleep infinity"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout
    assert holder.stdout.readline() == "ready\n"

    def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["nsenter", f"--mount=/proc/{holder.pid}/ns/mnt", f"--wd={base / 'project'}", "--", *words],
            env={"PATH": os.environ["PATH"], "HOME": str(base / "home"), **environment},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    command("mkdir", str(base / "home"))
    yield command
    holder.kill()
    holder.wait()
    holder.stdout.close()
    shutil.rmtree(base)


def recorded(command: Callable[..., subprocess.CompletedProcess[str]], **environment: str) -> str:
    """Makes a project, records a run, ends the daemon, and returns the socket at which that was met."""
    for words in (("init", "-n"), ("run", "true")):
        done = command("roar", *words, **environment)
        assert (done.returncode, "warning" in done.stderr) == (0, False), done.stderr
    found = command("roar", "daemon", "status", **environment).stdout
    assert command("roar", "log", **environment).stdout.count("true") == 1
    assert command("roar", "daemon", "stop", **environment).returncode == 0
    return next(line.split()[1] for line in found.splitlines() if line.split()[0] == "socket")


@as_root
def test_without_a_runtime_directory_of_the_session_the_home_has_one(
    bare: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    home = bare("sh", "-c", "echo $HOME").stdout.strip()
    assert recorded(bare, XDG_RUNTIME_DIR="") == f"{home}/.local/state/roar/run-{os.uname().nodename}/roard.sock"


@as_root
def test_a_home_with_a_long_name_is_passed_over(bare: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    home = bare("sh", "-c", "echo $HOME").stdout.strip()
    long = home + "/" + "h" * (149 - len(home))
    assert len(long) == 150
    assert bare("mkdir", "-p", long).returncode == 0
    assert recorded(bare, HOME=long) == f"/tmp/roar-{os.geteuid()}/roard.sock"


@as_root
def test_a_home_that_is_read_only_is_passed_over_and_the_log_lies_beside_the_socket(
    bare: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    assert bare("sh", "-c", "mount --bind $HOME $HOME && mount -o remount,bind,ro $HOME").returncode == 0
    assert recorded(bare) == f"/tmp/roar-{os.geteuid()}/roard.sock"
    assert "ready at" in bare("cat", f"/tmp/roar-{os.geteuid()}/roard.log").stdout


# --- what is refused, in both languages


def symlink(place: Path) -> None:
    """A link to a directory that would do."""
    (place.parent / "elsewhere").mkdir(mode=0o700)
    place.symlink_to(place.parent / "elsewhere")


def somebody_elses(place: Path) -> None:
    """A directory that its owner can open to others."""
    place.mkdir(mode=0o700)
    os.chown(place, 12345, 12345)


def with_mode(mode: int) -> Callable[[Path], None]:
    """Returns what makes a directory of this mode, whatever the umask is."""

    def make(place: Path) -> None:
        place.mkdir()
        place.chmod(mode)

    return make


UNSAFE: dict[str, tuple[Callable[[Path], object], str]] = {
    "link": (symlink, "it is a symbolic link"),
    "file": (Path.touch, "it is not a directory"),
    "readable": (with_mode(0o740), "other users have access to it"),
    "enterable": (with_mode(0o701), "other users have access to it"),
    "open": (with_mode(0o777), "other users have access to it"),
    "foreign": (somebody_elses, "it belongs to another user"),
}


@pytest.mark.parametrize("variable", ["ROAR_RUNTIME_DIR", "XDG_RUNTIME_DIR"])
def test_launcher_command_line_and_daemon_refuse_the_same_directories_for_the_same_reason(
    project: Path, tmp_path: Path, variable: str
) -> None:
    for name, (make, problem) in UNSAFE.items():
        if name == "foreign" and os.geteuid() != 0:
            continue
        place = tmp_path / name / "roar"
        place.parent.mkdir()
        make(place)
        environment = {name: value for name, value in os.environ.items() if name != "ROAR_RUNTIME_DIR"}
        environment[variable] = str(place if variable == "ROAR_RUNTIME_DIR" else place.parent)
        expected = f"the runtime directory `{place}` cannot be used: {problem}"
        for words in (["roar", "run", "true"], ["roar", "log"], ["roard"]):
            done = subprocess.run(
                words, cwd=project, env=environment, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.stderr.splitlines()[0].partition(": ")[2] == expected, (name, words, done.stderr)
            assert done.returncode == (0 if "run" in words else 1), (name, words)


def test_only_its_user_can_read_what_the_daemon_writes(project: Path, daemon: Path) -> None:
    assert run("roar", "run", "true", cwd=project).returncode == 0
    assert answer(project, "daemon", "status")["running"] is True
    made = [daemon, *daemon.iterdir(), *(daemon.parent / "state").rglob("*"), *(project / ".roar").rglob("*")]
    assert {path.name for path in made} >= {"roard.token", "roard.sock", "roard.lock", "roard.log", "roar.db"}
    assert [path for path in made if path.lstat().st_mode & 0o077] == []
