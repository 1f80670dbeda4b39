"""Nobody but the user gets to the daemon, and no command talks to a daemon that is not the user's.

Every place is tried with a command of each language: the launcher runs what it was asked to run and says why it is not
recorded yet, the command line refuses.
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daemon_kit import Daemon, running_daemon
from launcher_kit import run

NOBODY = 65534

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="acts as another user, which only root may")


def in_another_users_name(act: Callable[[], None]) -> int:
    """Runs `act` in a process of another user; returns 0, or the errno of the OSError that it met."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            act()
            os._exit(0)
        except OSError as error:
            os._exit(error.errno or 255)
        finally:
            os._exit(255)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@as_root
def test_another_user_reaches_neither_socket_nor_token() -> None:
    with running_daemon() as daemon:
        assert_out_of_reach(daemon)


def assert_out_of_reach(daemon: Daemon) -> None:
    # The parent is opened up, as a careless user might; the directory itself is what protects.
    daemon.home.chmod(0o755)

    def connect() -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(daemon.runtime / "roard.sock"))

    def read_token() -> None:
        (daemon.runtime / "roard.token").read_text()

    assert in_another_users_name(connect) == errno.EACCES
    assert in_another_users_name(read_token) == errno.EACCES
    modes = {path.name: path.stat().st_mode & 0o077 for path in daemon.runtime.iterdir()}
    assert set(modes.values()) == {0}, modes


@pytest.fixture
def place(project: Path) -> Iterator[Path]:
    """A directory for hostile runtime directories, short enough for a socket; the project's own daemon is ended."""
    run("roar", "daemon", "stop", cwd=project)
    made = Path(tempfile.mkdtemp(prefix="roar-"))
    yield made
    shutil.rmtree(made)


def foreign(path: Path) -> None:
    path.mkdir(mode=0o700)
    os.chown(path, NOBODY, NOBODY)


def open_to_all(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)


def link_to_foreign(path: Path) -> None:
    foreign(path.with_name("theirs"))
    path.symlink_to("theirs")


def link_to_own(path: Path) -> None:
    path.with_name("mine").mkdir(mode=0o700)
    path.symlink_to("mine")


def dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def plain_file(path: Path) -> None:
    path.write_text("squatted\n")


HOSTILE = {
    "made by another user": (foreign, "it belongs to another user"),
    "open to others": (open_to_all, "other users have access to it"),
    "a link to another user's": (link_to_foreign, "it is a symbolic link"),
    "a link to one's own": (link_to_own, "it is a symbolic link"),
    "a dangling link": (dangling_link, "it is a symbolic link"),
    "a file": (plain_file, "it is not a directory"),
}


@as_root
@pytest.mark.parametrize("name", HOSTILE)
def test_a_directory_that_is_not_the_users_alone_is_refused_and_left_as_it_is(
    project: Path, place: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    make, problem = HOSTILE[name]
    squatted = place / "run"
    make(squatted)
    before = {path: path.lstat() for path in (squatted, *place.rglob("*"))}
    monkeypatch.setenv("ROAR_RUNTIME_DIR", str(squatted))
    asked = run("roar", "log", cwd=project)
    assert (asked.returncode, problem.encode() in asked.stderr) == (1, True), asked.stderr
    assert asked.stderr.startswith(b"error[unsafe-runtime-dir]: ")
    recorded = run("roar", "run", "sh", "-c", "echo done; exit 3", cwd=project)
    assert (recorded.returncode, recorded.stdout) == (3, b"done\n"), recorded.stderr
    assert recorded.stderr.startswith(b"warning[not-recorded]: "), recorded.stderr
    assert problem.encode() in recorded.stderr
    daemon = subprocess.run(["roard"], capture_output=True, timeout=60, check=False)
    assert (daemon.returncode, problem.encode() in daemon.stderr) == (1, True), daemon.stderr
    after = {path: path.lstat() for path in (squatted, *place.rglob("*"))}
    assert {path: (found.st_ino, found.st_mtime_ns) for path, found in after.items()} == {
        path: (found.st_ino, found.st_mtime_ns) for path, found in before.items()
    }


@as_root
def test_a_server_of_another_user_is_told_nothing(project: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = place / "run"
    runtime.mkdir(mode=0o700)
    (runtime / "roard.token").write_text("a secret")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(runtime / "roard.sock"))
        # Whose a server is, is decided when it begins to listen.
        assert in_another_users_name(server.listen) == 0
        server.setblocking(False)
        monkeypatch.setenv("ROAR_RUNTIME_DIR", str(runtime))
        asked = run("roar", "log", cwd=project)
        assert (asked.returncode, asked.stderr[:23]) == (1, b"error[foreign-daemon]: "), asked.stderr
        recorded = run("roar", "run", "sh", "-c", "echo done; exit 3", cwd=project)
        assert (recorded.returncode, recorded.stdout) == (3, b"done\n"), recorded.stderr
        assert b"another user" in recorded.stderr, recorded.stderr
        assert heard(server) == b""


def heard(server: socket.socket) -> bytes:
    """Returns everything that clients have said to a server."""
    words = b""
    while True:
        try:
            client, _ = server.accept()
        except BlockingIOError:
            return words
        with client:
            client.setblocking(True)
            words += client.recv(4096)
