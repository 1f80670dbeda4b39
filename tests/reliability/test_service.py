"""roard as a service of the user: under systemd itself where that can be started, else at a real notify socket."""

from __future__ import annotations

import os
import plistlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon_kit import PATIENCE_S, Daemon, Run, read_of, running_daemon, wait_for
from launcher_kit import run_directories
from other_versions import Installation, daemons, install, run
from project_kit import GIT
from user_manager import UserManager, user_manager, why_not

from roar_client import service_install
from roar_client.service_manager import launchd
from roar_client.starting import program
from roar_client.version import version

WORST_EXPOSURE = 9.7
"""What `systemd-analyze security` says of the unit, of 10; the unit says why it is not less."""
EXIT_S = 5.0
needs_analyze = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The unit as it is installed where no service manager answers."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    done = run("roar", "daemon", "install", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"wrote {tmp_path}/config/systemd/user/roard.service",
        "no `systemctl --user` answers here; in a session of yours, type",
        "  systemctl --user daemon-reload",
        "  systemctl --user enable --now roard.service",
    ]
    return tmp_path / "config" / "systemd" / "user" / "roard.service"


def test_installing_is_repeatable_and_can_be_taken_back_without_a_manager(unit: Path) -> None:
    before = unit.stat()
    assert run("roar", "daemon", "install", cwd=unit.parent).stdout.startswith(f"up to date already: {unit}\n")
    assert unit.stat().st_ino == before.st_ino
    assert run("roar", "daemon", "uninstall", cwd=unit.parent).stdout == f"removed {unit}\n"
    assert run("roar", "daemon", "uninstall", cwd=unit.parent).stdout.startswith("no service is installed")
    assert list(unit.parent.iterdir()) == []


def test_a_dry_run_writes_nothing_and_shows_the_unit(unit: Path) -> None:
    content = unit.read_text()
    unit.unlink()
    done = run("roar", "daemon", "install", "--dry-run", cwd=unit.parent)
    assert (done.returncode, done.stdout, done.stderr.splitlines()[0]) == (0, content, f"write {unit}")
    assert list(unit.parent.iterdir()) == []


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file")
    done = run("roar", "daemon", "install", cwd=tmp_path, XDG_CONFIG_HOME=str(tmp_path / "config"))
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1,
        f"error[unit-not-written]: cannot write `{tmp_path}/config/systemd/user/roard.service`",
    )


@needs_analyze
def test_systemd_finds_no_fault_with_the_unit(unit: Path) -> None:
    done = run("systemd-analyze", "--user", "verify", str(unit), cwd=unit.parent)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_analyze
def test_the_unit_is_no_more_exposed_than_it_says(unit: Path) -> None:
    done = run("systemd-analyze", "--user", "security", "--offline=true", str(unit), cwd=unit.parent)
    found = re.search(r"exposure level for roard.service: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= WORST_EXPOSURE


def test_the_launch_agent_is_a_property_list_with_the_path_of_roard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ROAR_RUNTIME_DIR", "/tmp/a <b> & c")
    manager = launchd()
    assert manager.unit == tmp_path / "Library" / "LaunchAgents" / "org.roar.roard.plist"
    read = plistlib.loads(manager.content.encode())
    assert read["ProgramArguments"] == program()
    assert read["EnvironmentVariables"]["ROAR_RUNTIME_DIR"] == "/tmp/a <b> & c"
    assert (read["KeepAlive"], read["Umask"]) == ({"SuccessfulExit": False}, 0o077)
    if shutil.which("plutil"):
        manager.unit.parent.mkdir(parents=True)
        manager.unit.write_text(manager.content)
        assert run("plutil", "-lint", str(manager.unit), cwd=tmp_path).returncode == 0


LAUNCHCTL = """\
#!{python}
import os, plistlib, signal, subprocess, sys
pid = {folder!r} + "/pid"
match sys.argv[1:]:
    case ["print", target]:
        sys.exit(0 if target.count("/") == 1 or os.path.exists(pid) else 113)
    case ["bootstrap", _, path]:
        with open(path, "rb") as file:
            agent = plistlib.load(file)
        environment = os.environ | agent["EnvironmentVariables"]
        daemon = subprocess.Popen(agent["ProgramArguments"], env=environment, start_new_session=True, close_fds=True,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        open(pid, "w").write(str(daemon.pid))
    case ["bootout", _]:
        os.kill(int(open(pid).read()), signal.SIGTERM)
        os.unlink(pid)
"""
"""As launchd does it: it reads the agent, and does not wait for the daemon."""


def test_a_launch_agent_is_installed_and_taken_back(
    tmp_path: Path, daemon: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "launchctl").write_text(LAUNCHCTL.format(python=sys.executable, folder=str(tmp_path)))
    (tmp_path / "launchctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run("roar", "daemon", "start", cwd=tmp_path).returncode == 0
    agent = launchd()
    said = list(service_install.install(agent))
    pid = daemons(daemon)[-1]
    assert said == [
        f"wrote {agent.unit}",
        "ended the daemon that a command had started",
        f"roard {version()} runs as a service, pid {pid}",
    ]
    assert list(service_install.install(agent)) == [f"up to date already: {agent.unit}", "the service runs already"]
    assert list(service_install.uninstall(agent))[-1] == f"removed {agent.unit}"
    wait_for(lambda: not (daemon / "roard.sock").exists(), "the end of the service")


@pytest.fixture
def notified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Daemon, socket.socket]]:
    """A daemon as a service manager starts it, and the socket at which that listens."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        address = f"@roar-test-{os.getpid()}-{time.monotonic_ns()}"
        manager.bind("\0" + address[1:])
        manager.settimeout(PATIENCE_S)
        with running_daemon({"NOTIFY_SOCKET": address}) as daemon:
            yield daemon, manager


def test_the_manager_is_told_when_the_daemon_answers_and_when_it_ends(notified: tuple[Daemon, socket.socket]) -> None:
    daemon, manager = notified
    assert manager.recv(1000) == b"READY=1\nSTATUS=ready"
    daemon.process.send_signal(signal.SIGTERM)
    told = [manager.recv(1000)]
    while not told[-1].startswith(b"STOPPING=1"):
        told.append(manager.recv(1000))
    assert daemon.process.wait(PATIENCE_S) == 0


def test_sigterm_ends_a_service_within_seconds_and_leaves_runs_as_they_are(
    notified: tuple[Daemon, socket.socket], tmp_path: Path
) -> None:
    daemon, _ = notified
    root = tmp_path.resolve()
    daemon.init(root)
    with (root / "big.bin").open("wb") as file:
        file.truncate(200 << 30)
    waiting, recording = Run(root), Run(root)
    with waiting.held():
        daemon.begin(waiting)
        daemon.begin_to_finish(recording.seal([read_of(root / "big.bin")]))
        files = {path: path.read_bytes() for one in (waiting, recording) for path in one.path.iterdir()}
        began = time.monotonic()
        assert daemon.end(signal.SIGTERM) == 0
        assert time.monotonic() - began < EXIT_S
        assert {path: path.read_bytes() for one in (waiting, recording) for path in one.path.iterdir()} == files


def test_the_journal_gets_lines_with_priorities(tmp_path: Path) -> None:
    environment = {**os.environ, "ROAR_RUNTIME_DIR": str(tmp_path / "r"), "XDG_STATE_HOME": str(tmp_path / "s")}
    environment["NOTIFY_SOCKET"] = "@nobody-listens-here"
    with subprocess.Popen(
        [sys.executable, "-m", "roard"], env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        for line in process.stderr:
            assert re.match(r"<[0-7]>\S+: ", line), line
            if "ready at" in line:
                process.terminate()
        assert process.wait(PATIENCE_S) == 0
    assert "<" not in (tmp_path / "s" / "roar" / "roard.log").read_text()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[UserManager]:
    """A service manager of a user with an empty home."""
    if reason := why_not():
        pytest.skip(f"no `systemd --user` can be started here: {reason}")
    home = tmp_path / "home"
    home.mkdir()
    with user_manager(home) as manager:
        yield manager
        manager.run("systemctl", "--user", "stop", "roard.service")
        manager.run("roar", "daemon", "stop")


@pytest.fixture
def odd(tmp_path: Path) -> Installation:
    """An installation of this version in a folder whose name wants quoting."""
    return install(tmp_path / "an odd 100% $name", version())


@pytest.fixture
def project(tmp_path: Path, manager: UserManager) -> Path:
    """A project, and a daemon that the first command has started."""
    root = tmp_path / "project"
    root.mkdir()
    assert manager.run(*GIT, "init", "-q", cwd=root).returncode == 0
    assert manager.run("roar", "init", "-n", cwd=root).returncode == 0
    return root


def daemon_pid(manager: UserManager) -> str:
    """Returns the daemon that commands meet."""
    found = re.search(r"pid (\d+)", manager.run("roar", "daemon", "status").stdout)
    return found[1] if found else ""


def test_the_service_takes_the_place_of_the_daemon_that_a_command_started(
    manager: UserManager, project: Path, odd: Installation
) -> None:
    by_hand = daemon_pid(manager)
    roar = str(odd.folder / "roar-py")
    done = manager.run(roar, "daemon", "install")
    pid = daemon_pid(manager)
    assert done.stdout.splitlines()[1:] == [
        "ended the daemon that a command had started",
        f"roard {version()} runs as a service, pid {pid}",
    ], done.stderr
    assert by_hand != pid == manager.property("MainPID")
    assert (manager.property("UnitFileState"), manager.property("StatusText")) == ("enabled", "ready")
    assert manager.run(roar, "daemon", "install").stdout.splitlines()[1] == "the service runs already"
    assert manager.run("roar", "run", "true", cwd=project).returncode == 0
    assert daemon_pid(manager) == pid
    # A daemon that dies comes back without a command that asks for it.
    os.kill(int(pid), signal.SIGKILL)
    wait_for(lambda: manager.property("MainPID") not in {"0", pid}, "the next daemon")
    wait_for(lambda: manager.property("ActiveState") == "active", "the next daemon to be ready")
    assert '"exit_code": 0' in manager.run("roar", "log", "--json", cwd=project).stdout
    said = manager.run(roar, "daemon", "uninstall").stdout.splitlines()
    assert said[0] == "ended the service; the next command that needs the daemon starts it"
    assert (manager.property("LoadState"), daemon_pid(manager)) == ("not-found", "")


@pytest.mark.usefixtures("project")
def test_a_daemon_that_is_stopped_stays_away_and_is_a_service_again_when_started(
    manager: UserManager, odd: Installation
) -> None:
    roar = str(odd.folder / "roar-py")
    manager.run(roar, "daemon", "install")
    assert manager.run(roar, "daemon", "stop").stdout == "the daemon has ended\n"
    wait_for(lambda: manager.property("ActiveState") == "inactive", "the end of the service")
    assert manager.property("NRestarts") == "0"
    for word in ("start", "restart"):
        assert manager.run(roar, "daemon", word).returncode == 0
        assert daemon_pid(manager) == manager.property("MainPID") != "0"


def test_sigterm_to_the_service_manager_with_runs_in_flight_loses_none(
    manager: UserManager, project: Path, odd: Installation
) -> None:
    manager.run(str(odd.folder / "roar-py"), "daemon", "install")
    pid = int(daemon_pid(manager))
    runs = [
        manager.start("roar", "run", "sh", "-c", f"echo {n}; read line; echo x > out{n}; exit 3", cwd=project)
        for n in range(3)
    ]
    assert all(one.stdout and one.stdout.readline() for one in runs)
    before = {path: path.read_bytes() for one in run_directories(project) for path in one.glob("record")}
    began = time.monotonic()
    manager.process.send_signal(signal.SIGTERM)
    with open(os.pidfd_open(pid)) as ended:
        assert select.select([ended], [], [], EXIT_S)[0], "the daemon is still there"
    assert time.monotonic() - began < EXIT_S
    assert {path: path.read_bytes() for path in before} == before
    assert len(before) == 3
    for one in runs:
        _, said = one.communicate("line\n", timeout=60)
        assert (one.returncode, " job " in said) == (3, True), said
    assert not run_directories(project)
