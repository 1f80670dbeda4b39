"""`roar ps`, `roar watch` and `roar top`, with real runs that wait at a FIFO until the test lets them go."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cli_kit import Cli, Recorder, check_snapshot, masked, validate
from daemon_kit import wait_for
from launcher_kit import answer, daemon_pid, run
from project_kit import make_project

PATIENCE_S = 60
JOB = """\
data = open("in.bin", "rb")
data.read(6_000)
out = open("out.bin", "wb", buffering=0)
out.write(b"x" * 3_000)
open("go").read()
"""


@pytest.fixture(scope="module")
def held_project(module_daemon: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert module_daemon
    root = make_project(tmp_path_factory.mktemp("live") / "project")
    os.mkfifo(root / "go")
    (root / "in.bin").write_bytes(bytes(10_000))
    (root / "job.py").write_text(JOB)
    return root


@dataclass(frozen=True)
class Held:
    """A run whose command waits."""

    root: Path
    process: subprocess.Popen[bytes]

    def let_go(self) -> None:
        (self.root / "go").write_text("")
        assert self.process.wait(PATIENCE_S) == 0

    def shown(self) -> dict[str, Any] | None:
        """Returns what `roar ps` says of it once its command has got to where it waits."""
        for live in answer(self.root, "ps")["runs"]:
            if live["launcher_pid"] == self.process.pid and any(file["written"] for file in live["open_files"]):
                found: dict[str, Any] = live
                return found
        return None


@contextlib.contextmanager
def held(root: Path, *options: str) -> Iterator[Held]:
    """Starts a run and yields it when its command waits; it is let go at the end, if it is still there."""
    words = ["roar", "run", "-q", *options, sys.executable, "job.py"]
    with subprocess.Popen(words, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        one = Held(root, process)
        try:
            wait_for(one.shown, "the command to wait")
            yield one
        except BaseException:
            process.terminate()
            raise
        if process.poll() is None:
            one.let_go()


@pytest.mark.parametrize("backend", ["preload", "ptrace"])
def test_ps_shows_what_the_command_uses_and_nothing_of_the_tracer(held_project: Path, backend: str) -> None:
    with held(held_project, "--tracer", backend, "-n", "long") as one:
        document = answer(held_project, "ps")
        validate("ps", document)
        (live,) = document["runs"]
        assert (live["phase"], live["kind"], live["name"]) == ("running", "run", "long")
        assert (live["project"], live["cwd"], live["command"][1:]) == (str(held_project), str(held_project), ["job.py"])
        assert live["usage"]["processes"] == 1
        assert live["usage"]["rss_bytes"] > 1_000_000
        files = {os.path.basename(file["path"]): file for file in live["open_files"]}
        assert (files["out.bin"]["written"], files["out.bin"]["size"]) == (True, 3_000)
        assert (files["in.bin"]["written"], files["in.bin"]["size"]) == (False, 10_000)
        assert files["in.bin"]["position"] >= 6_000
        rows = run("roar", "ps", cwd=held_project).stdout.decode().splitlines()
        assert rows[0].split() == ["PID", "STATE", "TIME", "CPU", "MEMORY", "READ", "WRITTEN", "COMMAND"]
        assert rows[1].split()[:2] == [str(one.process.pid), "running"]


def test_ps_all_shows_the_runs_of_other_projects_from_anywhere(held_project: Path, tmp_path: Path) -> None:
    with held(held_project) as one:
        said = run("roar", "ps", "--all", cwd=tmp_path).stdout.decode()
        assert str(one.process.pid) in said
        assert str(held_project) in said
        other = make_project(tmp_path / "other")
        done = run("roar", "ps", cwd=other)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"nothing runs in this project\n")


def watching(root: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(["roar", "watch", *words], cwd=root, stdout=subprocess.PIPE, text=True)


def test_watch_tells_again_and_again_and_ends_with_the_job(held_project: Path, tmp_path: Path) -> None:
    with held(held_project) as one, watching(tmp_path, str(one.process.pid), "--json") as watch:
        assert watch.stdout
        told = [json.loads(watch.stdout.readline()) for _ in range(2)]
        one.let_go()
        told += [json.loads(line) for line in watch.stdout]
        assert watch.wait(PATIENCE_S) == 0
    for document in told:
        validate("watch", document)
    *before, last = told
    assert {document["type"] for document in before} == {"run"}
    assert (last["type"], last["status"], last["output_count"]) == ("job", "ok", 1)
    assert last["id"] == answer(held_project, "show", "@-1")["id"]


def test_watch_without_a_pid_follows_the_newest_run_line_by_line(held_project: Path) -> None:
    with held(held_project) as one, watching(held_project) as watch:
        assert watch.stdout
        first = watch.stdout.readline()
        assert first.startswith("running for ")
        assert "processes 1, 1 thread" in first
        one.let_go()
        *_, last = watch.stdout
        assert " ok after " in last
        assert " · read 1 · wrote 1 (2.9 KiB) · job " in last


def test_watching_outlives_the_daemon(held_project: Path) -> None:
    with held(held_project) as one, watching(held_project, "--json") as watch:
        assert watch.stdout
        watch.stdout.readline()
        os.kill(daemon_pid(held_project), signal.SIGKILL)
        # The first that the next daemon says; what the first one said meanwhile comes before.
        wait_for(one.shown, "another daemon to know the run")
        one.let_go()
        *_, last = watch.stdout
        assert json.loads(last)["type"] == "job"
        assert watch.wait(PATIENCE_S) == 0


def test_ctrl_c_ends_the_watching_and_not_the_run(held_project: Path) -> None:
    with held(held_project) as one, watching(held_project, "--json") as watch:
        assert watch.stdout
        watch.stdout.readline()
        watch.send_signal(signal.SIGINT)
        assert watch.wait(PATIENCE_S) == 130
        assert one.process.poll() is None
        one.let_go()


def test_nothing_to_watch_is_said(recorder: Recorder, cli: Cli) -> None:
    assert cli("watch").err.startswith("error[nothing-runs]: nothing runs in this project\nhint: `roar ps --all`")
    said = cli("watch", "1")
    assert (said.status, said.err.splitlines()[0]) == (1, "error[nothing-runs]: no run of a `roar` with the pid 1")
    assert cli("watch", "@1").status == 2
    validate("ps", cli("ps", "--json").json)
    assert recorder.uids == []


@pytest.mark.parametrize(
    ("name", "words"),
    [("top", ()), ("top-reads", ("--by", "reads", "-n", "2")), ("top-holding", ("data/", "--by", "recent", "--all"))],
)
def test_top_lists_files(recorded: Recorder, cli: Cli, name: str, words: tuple[str, ...]) -> None:
    said = cli("top", *words)
    check_snapshot(name, masked(said.out, recorded) + said.err)
    validate("top", cli("top", *words, "--json").json)


def test_top_of_nothing(recorder: Recorder, cli: Cli) -> None:
    assert cli("top").err == "no file is recorded yet\n"
    assert cli("top", "x").err == "no file matches\n"
    assert (cli("top", "-n", "0").status, cli("top", "--by", "age").status) == (2, 2)
    assert recorder.uids == []
