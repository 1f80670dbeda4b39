"""Client and daemon of different versions, during runs: none is lost, and a daemon is replaced once at most."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from daemon_kit import wait_for
from figures import figure
from launcher_kit import jobs, run_directories
from other_versions import NOW, daemons, has_open, install, run
from project_kit import make_project

from roar_client.version import version


def alive(pid: int) -> bool:
    """Returns whether a process is there, and no zombie that nobody has waited for."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
def stopped(tmp_path: Path, daemon: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, and no daemon yet."""
    with monkeypatch.context() as alone:
        alone.setenv("ROAR_DAEMON", "off")
        root = make_project(tmp_path / "project")
    assert not daemon.exists()
    return root


def started_runs(project: Path, number: int) -> list[subprocess.Popen[str]]:
    """Returns runs whose commands wait for a line each; all of them have begun."""
    runs = [
        subprocess.Popen(
            ["roar", "run", "sh", "-c", f"echo {index}; read line; echo $line > out{index}; exit 3"],
            cwd=project, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for index in range(number)
    ]  # fmt: skip
    for index, process in enumerate(runs):
        assert process.stdout
        assert process.stdout.readline() == f"{index}\n"
    return runs


def end(runs: list[subprocess.Popen[str]]) -> list[str]:
    """Has the commands end, asserts that roar ends as they do, and returns what it said."""
    said = [process.communicate("word\n", timeout=60)[1] for process in runs]
    assert [process.returncode for process in runs] == [3] * len(runs), said
    return said


@pytest.mark.parametrize(
    ("theirs", "protocol"), [("0.0.9", NOW), (version(), NOW - 1)], ids=["older version", "older protocol"]
)
def test_an_older_daemon_makes_room_once_and_no_run_is_lost(
    stopped: Path, daemon: Path, tmp_path: Path, theirs: str, protocol: int
) -> None:
    number = figure(6, 64)
    old = install(tmp_path / "old", theirs, protocol).start_daemon(daemon)
    said = end(started_runs(stopped, number))
    assert all(" job " in line for line in said), said
    assert len(jobs(stopped)) == number
    assert not run_directories(stopped)
    wait_for(lambda: not alive(old), "the end of the older daemon")
    started = daemons(daemon)
    assert len(started) == 1 + started.index(old) + 1, "one daemon has taken its place"
    assert run("roar", "daemon", "status", cwd=stopped).stdout.startswith(f"running  roard {version()}")


def test_the_command_starts_under_the_plan_of_the_older_daemon(stopped: Path, daemon: Path, tmp_path: Path) -> None:
    (stopped / ".roar" / "config.toml").write_text("output.quiet = true\n")
    old = install(tmp_path / "old", "0.0.9").start_daemon(daemon)
    [waiting] = started_runs(stopped, 1)
    assert alive(old)
    assert end([waiting]) == [""]
    wait_for(lambda: not alive(old), "the end of the older daemon")


def test_a_daemon_of_a_newer_protocol_stays_and_records_later_what_it_does_not_understand(
    stopped: Path, daemon: Path, tmp_path: Path
) -> None:
    number = figure(4, 32)
    newer = install(tmp_path / "newer", "99.0.0", NOW + 1)
    pid = newer.start_daemon(daemon)
    said = end(started_runs(stopped, number))
    assert all(f"the daemon speaks protocol {NOW + 1} or newer, this roar {NOW}" in line for line in said), said
    assert all("hint: upgrade roar in this environment" in line for line in said), said
    refused = run("roar", "log", cwd=stopped)
    assert (refused.returncode, refused.stderr[:22]) == (1, "error[daemon-too-new]:")
    wait_for(lambda: newer.roar_py("log", "--json", cwd=stopped).stdout.count('"command"') == number, "the records")
    assert not run_directories(stopped)
    assert daemons(daemon)[-1] == pid
    assert alive(pid)


def test_two_versions_in_turn_do_not_drive_each_other_out(stopped: Path, daemon: Path, tmp_path: Path) -> None:
    newer = install(tmp_path / "newer", "99.0.0")
    assert run("roar", "run", "true", cwd=stopped).returncode == 0
    before = daemons(daemon)
    for _ in range(3):
        assert newer.roar_py("status", cwd=stopped).returncode == 0
        assert run("roar", "run", "true", cwd=stopped).returncode == 0
        assert run("roar", "log", cwd=stopped).returncode == 0
    assert len(daemons(daemon)) == len(before) + 1
    assert len(jobs(stopped)) == 4


def test_many_newer_commands_at_once_replace_one_daemon_once(stopped: Path, daemon: Path, tmp_path: Path) -> None:
    old = install(tmp_path / "old", "0.0.9").start_daemon(daemon)
    words = [["roar", "log"], ["roar", "run", "true"]] * figure(3, 16)
    started = [subprocess.Popen(one, cwd=stopped, stdout=-1, stderr=-1, text=True) for one in words]
    said = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0] * len(words), said
    assert daemons(daemon).index(old) == len(daemons(daemon)) - 2


def test_a_daemon_in_the_middle_of_a_recording_makes_room_and_the_next_one_goes_on_with_it(
    stopped: Path, daemon: Path, tmp_path: Path
) -> None:
    old = install(tmp_path / "old", "0.0.9").start_daemon(daemon)
    with (stopped / "big").open("wb") as file:
        file.truncate(200 << 30)
    words = ["roar", "run", "sh", "-c", ": < big"]
    with subprocess.Popen(words, cwd=stopped, env={**os.environ, "ROAR_DAEMON": "require"}) as waiting:
        wait_for(lambda: has_open(old, stopped / "big"), "the recording")
        done = run("roar", "run", "true", cwd=stopped)
        assert (done.returncode, " job " in done.stderr) == (0, True), done.stderr
        [_, new] = daemons(daemon)[-2:]
        wait_for(lambda: has_open(new, stopped / "big"), "the recording by the next daemon")
        waiting.send_signal(signal.SIGINT)
    assert len(run_directories(stopped)) == 1
    # It would finish what it can first, and nobody is interested in that any more.
    os.kill(new, signal.SIGKILL)


def test_where_a_daemon_is_required_none_is_replaced(stopped: Path, daemon: Path, tmp_path: Path) -> None:
    old = install(tmp_path / "old", "0.0.9").start_daemon(daemon)
    for words in (("run", "true"), ("log",)):
        assert run("roar", *words, cwd=stopped, ROAR_DAEMON="require").returncode == 0
    assert daemons(daemon)[-1] == old
    assert alive(old)
    assert len(jobs(stopped)) == 1


@pytest.mark.parametrize("protocol", [NOW, NOW - 1], ids=["understands", "does not"])
def test_an_installation_of_mixed_versions_replaces_its_daemon_once_a_command(
    stopped: Path, daemon: Path, tmp_path: Path, protocol: int
) -> None:
    mixed = install(tmp_path / "mixed", "0.0.9", protocol)
    fitting = install(tmp_path / "fitting", version()).folder / "roar-py"
    (mixed.folder / "roar-py").write_text(fitting.read_text())
    mixed.start_daemon(daemon)
    before = len(daemons(daemon))
    for number, words in enumerate((("roar", "run", "true"), ("roar-py", "status")), 1):
        done = run(str(mixed.folder / words[0]), *words[1:], cwd=stopped)
        refused = protocol != NOW
        assert done.returncode == (1 if refused and words[0] == "roar-py" else 0), done.stderr
        assert ("the daemon speaks protocol" in done.stderr) == refused, done.stderr
        assert len(daemons(daemon)) == before + number
