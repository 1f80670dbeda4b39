"""Mistakes of earlier provenance tools, each as somebody would meet it: real commands, in a project below /tmp."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from daemon_kit import wait_for
from launcher_kit import answer, newest_job, run, run_directories, written
from project_kit import make_project

STATIC_COPY = """
#include <stdio.h>
int main(void) {
    FILE *from = fopen("a", "r"), *to = fopen("b", "w");
    int c;
    while ((c = getc(from)) != EOF) putc(c, to);
    return fclose(to);
}
"""


@pytest.fixture
def project(tmp_path: Path, module_daemon: Path) -> Path:
    """A fresh roar project in a git repository, with a file `a`."""
    del module_daemon
    made = make_project(tmp_path / "project")
    (made / "a").write_text("first\n")
    return made


def record(project: Path, *words: str, cwd: Path | None = None) -> dict[str, Any]:
    """Returns the job that `roar run` recorded of a command that succeeds."""
    done = run("roar", "run", *words, cwd=cwd or project)
    assert done.returncode == 0, done.stderr
    return newest_job(project)


def read(job: dict[str, Any]) -> list[str]:
    return [file["path"] for file in job["inputs"]]


def test_nothing_seen_is_never_reported_as_success(project: Path) -> None:
    run("roar", "run", "true", cwd=project)
    # A process can have one tracer only, here strace.
    traced = ("strace", "-f", "-o", "/dev/null", "roar", "run", "--tracer", "ptrace", "cp", "a", "b")
    assert b"warning[untraced]" in run(*traced, cwd=project).stderr
    job = newest_job(project)
    assert (job["complete"], job["tracer"]) == (False, "none")
    assert run("roar", "lineage", "b", cwd=project).returncode == 1


@pytest.mark.parametrize(
    "words",
    [("sh", "-c", "cat < a > b"), ("cp", "a", "b"), ("env", "-i", "/bin/cp", "a", "b"), ("./static",)],
    ids=["redirection", "cp", "env -i", "static"],
)
def test_whatever_copies_a_file_is_seen(project: Path, words: Sequence[str]) -> None:
    if words == ("./static",):
        subprocess.run(
            ["gcc", "-static", "-x", "c", "-o", "static", "-"], cwd=project, input=STATIC_COPY.encode(), check=True
        )
    job = record(project, *words)
    assert "a" in read(job)
    assert written(job) == ["b"]


def test_a_file_of_no_bytes_is_an_output(project: Path) -> None:
    job = record(project, "sh", "-c", ": > empty")
    assert [(file["path"], file["size"], bool(file["hash"])) for file in job["outputs"]] == [("empty", 0, True)]


def test_an_input_has_the_content_that_it_had_before_the_job_changed_it(project: Path) -> None:
    before = newest_content(record(project, "cp", "a", "b"), "inputs", "a")
    job = record(project, "sh", "-c", "cat a > c; echo more >> a")
    assert newest_content(job, "inputs", "a") == before
    assert newest_content(job, "outputs", "a") != before


def newest_content(job: dict[str, Any], which: str, path: str) -> str:
    return str(next(file["hash"] for file in job[which] if file["path"] == path))


def test_paths_are_those_of_the_project_wherever_the_command_ran(project: Path) -> None:
    (project / "sub/deep").mkdir(parents=True)
    job = record(project, "sh", "-c", "cd deep && cp ../../a here", cwd=project / "sub")
    assert (job["cwd"], read(job), written(job)) == ("sub", ["a"], ["sub/deep/here"])


def test_the_commit_is_the_one_that_the_job_began_with(project: Path) -> None:
    before = head(project)
    commit = "git -c user.name=t -c user.email=t@example.org commit -q --allow-empty -m later"
    assert record(project, "sh", "-c", commit)["git"]["commit"] == before
    assert head(project) != before


def head(project: Path) -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=project, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_every_python_process_of_a_job_is_heard(project: Path) -> None:
    names = [f"{number}.txt" for number in range(8)]
    for name in names:
        (project / name).write_text(name)
    script = (
        "import subprocess, sys\n"
        f"all = [subprocess.Popen([sys.executable, '-c', f'open({{name!r}}).read()']) for name in {names!r}]\n"
        "assert not any(one.wait() for one in all)\n"
    )
    assert set(names) <= set(read(record(project, sys.executable, "-c", script)))


def test_the_output_of_the_job_is_its_own(project: Path) -> None:
    done = run("roar", "run", "printf", r"1\0\n2", cwd=project)
    assert done.stdout == b"1\0\n2"
    assert b"printf" in done.stderr


def test_an_interrupted_run_is_recorded_with_what_it_wrote(project: Path) -> None:
    script = "echo 1 > checkpoint; echo ready; exec cat"
    with subprocess.Popen(
        ["roar", "run", "sh", "-c", script],
        cwd=project,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        # As a terminal does: to the whole group.
        subprocess.run(["kill", "-INT", "--", f"-{process.pid}"], check=True)
        assert process.wait(60) == -signal.SIGINT
    wait_for(lambda: not run_directories(project), "the record")
    job = newest_job(project)
    assert (job["status"], written(job)) == ("interrupted", ["checkpoint"])


def test_both_ends_of_a_pipe_are_recorded(project: Path) -> None:
    done = run("sh", "-c", "roar run cat a | roar run tee b", cwd=project)
    assert done.stdout == b"first\n"
    listed = answer(project, "log")["jobs"]
    assert sorted(job["command"][0] for job in listed) == ["cat", "tee"]


def test_a_step_is_the_same_under_every_tracer(project: Path) -> None:
    steps = {record(project, "--tracer", tracer, "cp", "a", "b")["step"] for tracer in ("preload", "ptrace", "auto")}
    assert steps == {"@1"}


def test_a_step_with_two_parents_has_both(project: Path) -> None:
    record(project, "cp", "a", "left")
    record(project, "sh", "-c", "tr a-z A-Z < a > right")
    record(project, "sort", "-o", "both", "left", "right")
    steps = {step["step"]: step for step in answer(project, "dag")["steps"]}
    assert steps["@3"]["parents"] == ["@1", "@2"]
    # Two lines come together above it.
    assert "├─╯" in run("roar", "dag", cwd=project).stdout.decode()


def test_what_is_stale_goes_by_content_and_not_by_number(project: Path) -> None:
    record(project, "cp", "a", "b")
    record(project, "cp", "b", "c")
    record(project, "sh", "-c", "cat a > b")
    # The same bytes again, by a later step: nothing to do.
    assert answer(project, "status")["stale"] is False
    (project / "a").write_text("second\n")
    stale = {step["step"]: step["stale"] for step in answer(project, "dag")["steps"]}
    assert all(stale.values())


def test_an_earlier_step_is_stale_by_what_a_later_one_wrote(project: Path) -> None:
    (project / "b").write_text("by hand\n")
    record(project, "cp", "b", "c")
    record(project, "cp", "a", "b")
    assert {step["step"]: step["stale"] for step in answer(project, "dag")["steps"]} == {"@1": True, "@2": False}
    record(project, "cp", "b", "c")
    assert answer(project, "status")["stale"] is False


def test_a_session_has_one_hash(project: Path) -> None:
    record(project, "cp", "a", "b")
    told = {answer(project, command)["session"]["hash"] for command in ("status", "dag")}
    assert len(told) == 1
    told |= {answer(project, *words)["hash"] for words in (["show"], ["session", "show"])}
    told |= {session["hash"] for session in answer(project, "session", "list")["sessions"]}
    assert len(told) == 1


def test_a_file_updated_in_place_has_versions_and_no_cycle(project: Path) -> None:
    record(project, "sh", "-c", "echo 0 > state")
    for number in (1, 2):
        record(project, "sh", "-c", f"cat state > /dev/null; echo {number} >> state")
    lineage = answer(project, "lineage", "state")
    assert len(lineage["jobs"]) == 3
    assert {edge["path"] for edge in lineage["edges"]} == {"state"}


def test_pop_leaves_what_git_or_another_job_owns(project: Path) -> None:
    record(project, "cp", "a", "shared")
    record(project, "sh", "-c", "cp a own; cp a tracked; cp a edited; cp a shared")
    subprocess.run(["git", "add", "tracked"], cwd=project, check=True)
    (project / "edited").write_text("by hand\n")
    assert run("roar", "pop", "-y", cwd=project).returncode == 0
    left = {path.name for path in project.iterdir()} & {"own", "tracked", "edited", "shared", "a"}
    assert left == {"tracked", "edited", "shared", "a"}
    assert (project / "edited").read_text() == "by hand\n"
    assert run("roar", "pop", "--undo", cwd=project).returncode == 0
    assert (project / "own").read_text() == "first\n"


def test_a_config_takes_no_nonsense_and_every_command_goes_on(project: Path) -> None:
    record(project, "cp", "a", "b")
    before = (project / ".roar/config.toml").read_bytes()
    for key, value in (
        ("tracer.default", "magic"),
        ("output.quiet", "maybe"),
        ("hash.algorithms", "crc32"),
        ("cache.max_size", "lots"),
        ("no.such", "1"),
        ("tracer", "ptrace"),
    ):
        done = run("roar", "config", "set", key, value, cwd=project)
        assert (done.returncode, b"hint: " in done.stderr) == (2, True), done.stderr
    assert (project / ".roar/config.toml").read_bytes() == before
    record(project, "cp", "a", "b")
    # By an editor it can be broken all the same: what is recorded can be read, and the settings mended by a command.
    (project / ".roar/config.toml").write_text("[tracer]\ndefault = 'magic'\n")
    for command in ("status", "log", "show", "dag"):
        answer(project, command)
    assert run("roar", "config", "unset", "tracer.default", cwd=project).returncode == 0
    record(project, "cp", "a", "b")


def test_a_failed_start_of_a_tracer_never_runs_the_command_twice(project: Path) -> None:
    run("roar", "run", "true", cwd=project)
    traced = ("strace", "-f", "-o", "/dev/null", "roar", "run", "--tracer", "ptrace", "sh", "-c", "echo x >> count")
    assert run(*traced, cwd=project).returncode == 0
    assert (project / "count").read_text() == "x\n"


def test_a_project_can_be_moved_and_copied_with_what_was_recorded(project: Path, tmp_path: Path) -> None:
    record(project, "cp", "a", "b")
    copy = tmp_path / "copy"
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("lock"))
    moved = tmp_path / "moved"
    project.rename(moved)
    for place in (copy, moved):
        assert answer(place, "status")["stale"] is False
        assert json.dumps(answer(place, "lineage", "b")["jobs"][0]["outputs"]).count('"b"') == 1
        assert record(place, "cp", "a", "b")["step"] == "@1"
