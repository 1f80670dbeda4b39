"""`roar run @N` and `roar rerun --stale`: real scripts, in the directory and as the step that they were."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from daemon_kit import wait_for
from launcher_kit import PATIENCE_S, jobs, newest_job, run, written

TRAIN = """
import argparse, json, os
parser = argparse.ArgumentParser()
parser.add_argument("data")
parser.add_argument("--lr", type=float)
parser.add_argument("-e", type=int)
parser.add_argument("--note")
options = vars(parser.parse_args())
print(json.dumps([options, os.getcwd(), os.environ.get("PWD")]))
with open(options["data"]) as data, open("model.json", "w") as model:
    json.dump([data.read(), options], model)
"""


@pytest.fixture
def daemon(module_daemon: Path) -> Path:
    """One daemon serves the tests of this file."""
    return module_daemon


@pytest.fixture
def trained(project: Path) -> Path:
    """A project whose step @1 was run in its directory `exp`."""
    (project / "train.py").write_text(TRAIN)
    (project / "raw.csv").write_text("1")
    (project / "exp").mkdir()
    words = ("python", "../train.py", "../raw.csv", "--lr", "0.1", "-e3")
    assert run("roar", "run", *words, cwd=project / "exp").returncode == 0
    return project


def command(job: dict[str, Any]) -> list[str]:
    words: list[str] = job["command"]
    return words


def test_a_step_is_run_again_in_its_directory_with_words_replaced(trained: Path) -> None:
    done = run("roar", "run", "@1", "--lr=0.2", "-e", "5", "--note", "two words", cwd=trained)
    argv = ["python", "../train.py", "../raw.csv", "--lr", "0.2", "-e5", "--note", "two words"]
    assert done.stderr.startswith(
        b"@1: cd exp && python ../train.py ../raw.csv --lr 0.2 -e5 --note 'two words'\n@1 train.py "
    )
    place = str(trained / "exp").encode()
    assert done.stdout.count(b'"%s"' % place) == 2
    job = newest_job(trained)
    assert (command(job), job["cwd"], job["step"], job["status"]) == (argv, "exp", "@1", "ok")
    assert written(job) == ["exp/model.json"]


def test_a_step_stays_the_same_whatever_it_writes_now(trained: Path) -> None:
    (trained / "copy.sh").write_text('cp ../raw.csv "$1"\n')
    assert run("roar", "run", "sh", "../copy.sh", "a", cwd=trained / "exp").returncode == 0
    assert run("roar", "run", "-q", "@2", "b", cwd=trained).returncode == 0
    assert [(job["step"], command(job)[2:]) for job in jobs(trained)[:2]] == [("@2", ["b"]), ("@2", ["a"])]
    assert run("roar", "run", "-n", "third", "@2", "c", cwd=trained).returncode == 0
    assert run("roar", "run", "@3", "d", cwd=trained).returncode == 0
    assert [(job["step"], job["name"]) for job in jobs(trained)[:2]] == [("@3", "third"), ("@3", "third")]


def test_a_dry_run_prints_a_line_for_the_shell_and_runs_nothing(trained: Path) -> None:
    done = run("roar", "run", "@1", "--note", "it's", "--dry-run", cwd=trained)
    line = b"cd exp && python ../train.py ../raw.csv --lr 0.1 -e3 --note 'it'\\''s'\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, line, b"")
    assert len(jobs(trained)) == 1
    assert b'"it\'s"' in run("sh", "-c", line, cwd=trained).stdout


def test_build_steps_are_run_again_as_such(trained: Path) -> None:
    assert run("roar", "build", "sh", "-c", "echo tool > tool", cwd=trained).returncode == 0
    for verb in ("run", "build"):
        assert run("roar", verb, "@B1", cwd=trained / "exp").returncode == 0
        assert (newest_job(trained)["step"], newest_job(trained)["kind"]) == ("@B1", "build")
    done = run("roar", "build", "@1", cwd=trained)
    assert (done.returncode, done.stderr.splitlines()[0]) == (125, b"error[no-build-step]: `@1` is no build step")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["@9"], "error[no-such-step]: no step `@9` in the active session\n  its steps are @1\nhint: `roar status`"),
        (["@0"], "error[bad-reference]: `@0` is not a reference: "),
        (["@1", "a", "b"], "error[bad-override]: `b` has no place in the command of the step\n"),
        (["@1", "--lr"], "error[bad-override]: `--lr` has no place in the command of the step\n"),
    ],
)
def test_what_cannot_be_run_again_is_said_and_starts_nothing(trained: Path, words: list[str], error: str) -> None:
    done = run("roar", "run", *words, cwd=trained)
    assert (done.returncode, done.stdout) == (125, b"")
    assert done.stderr.decode().startswith(error)
    assert len(jobs(trained)) == 1


@pytest.mark.parametrize("word", ["@x", "@-1", "@2a"])
def test_what_only_looks_like_a_step_is_taken_for_a_program(trained: Path, word: str) -> None:
    done = run("roar", "run", word, cwd=trained)
    assert done.returncode == 127
    assert done.stderr.decode().splitlines() == [
        f"error[command-not-found]: `{word}` was not found",
        "hint: a step is @N or @BN, as in `roar run @2`; `roar status` lists them",
    ]


def test_a_step_whose_directory_is_gone(trained: Path) -> None:
    shutil.rmtree(trained / "exp")
    done = run("roar", "run", "@1", cwd=trained)
    assert done.returncode == 125
    assert done.stderr.decode().startswith(
        f"error[directory-gone]: @1 cannot run in `{trained}/exp`\n  No such file or directory"
    )
    assert len(jobs(trained)) == 1


def test_a_moved_project_runs_its_steps_where_it_is_now(trained: Path) -> None:
    moved = trained.rename(trained.with_name("moved"))
    assert run("roar", "run", "@1", cwd=moved).returncode == 0
    assert (newest_job(moved)["cwd"], newest_job(moved)["step"]) == ("exp", "@1")


def test_a_program_called_like_a_step_is_reached_by_its_path_or_after_two_dashes(trained: Path) -> None:
    program = trained / "@1"
    program.write_text("#!/bin/sh\necho mine\n")
    program.chmod(0o755)
    path = {**os.environ, "PATH": f"{trained}:{os.environ['PATH']}"}
    assert run("roar", "run", "./@1", cwd=trained).stdout == b"mine\n"
    assert run("roar", "run", "--", "@1", cwd=trained, env=path).stdout == b"mine\n"


def test_without_a_daemon_of_its_own_kind_a_step_is_still_found(trained: Path) -> None:
    assert run("roar", "daemon", "stop", cwd=trained).returncode == 0
    off = {**os.environ, "ROAR_DAEMON": "off"}
    assert run("roar", "run", "@1", cwd=trained, env=off).returncode == 0
    assert run("roar", "run", "@1", cwd=trained).returncode == 0
    assert [job["step"] for job in jobs(trained)] == ["@1", "@1", "@1"]


# rerun --stale

STEPS = {
    "clean.py": "open('clean.csv', 'w').write(open('raw.csv').read().strip())",
    "train.py": "open('model', 'w').write(open('clean.csv').read() * 2)",
    "score.py": "model = open('model').read()\nassert 'bad' not in model\nopen('score', 'w').write(model)",
}


@pytest.fixture
def pipeline(project: Path) -> Path:
    """A project with clean → train → score, all up to date."""
    (project / "raw.csv").write_text("good")
    for name, text in STEPS.items():
        (project / name).write_text(text)
        assert run("roar", "run", "-q", "python", name, cwd=project).returncode == 0
    return project


def rerun(project: Path, *words: str) -> tuple[int, str, list[str]]:
    """Returns exit status, the last line on stderr, and the steps that were run."""
    before = len(jobs(project))
    done = run("roar", "rerun", "--stale", *words, cwd=project)
    after = jobs(project)
    ran = [job["step"] for job in reversed(after[: len(after) - before])]
    return done.returncode, done.stderr.decode().splitlines()[-1], ran


def test_rerun_runs_what_is_stale_in_order_and_then_nothing(pipeline: Path) -> None:
    assert rerun(pipeline) == (0, "everything is up to date", [])
    (pipeline / "raw.csv").write_text("better")
    assert rerun(pipeline, "@2") == (0, "ran @1, @2", ["@1", "@2"])
    assert rerun(pipeline) == (0, "ran @3", ["@3"])
    assert (pipeline / "score").read_text() == "betterbetter"
    assert rerun(pipeline) == (0, "everything is up to date", [])


def test_rerun_skips_what_turns_out_as_it_was(pipeline: Path) -> None:
    (pipeline / "raw.csv").write_text("good\n\n")
    assert rerun(pipeline) == (0, "ran @1", ["@1"])


def test_rerun_stops_at_the_first_failure_says_what_is_left_and_goes_on_from_there(pipeline: Path) -> None:
    (pipeline / "raw.csv").write_text("bad")
    assert run("roar", "run", "sh", "-c", "cat score > last", cwd=pipeline).returncode == 0
    assert rerun(pipeline) == (1, "@3 did not end well; still out of date: @4", ["@1", "@2", "@3"])
    assert rerun(pipeline) == (1, "@3 did not end well; still out of date: @4", ["@3"])
    (pipeline / "score.py").write_text("open('score', 'w').write(open('model').read())")
    assert rerun(pipeline) == (0, "ran @3, @4", ["@3", "@4"])


def test_rerun_makes_what_is_missing_and_needed(pipeline: Path) -> None:
    (pipeline / "clean.csv").unlink()
    assert rerun(pipeline) == (0, "ran @1", ["@1"])
    (pipeline / "clean.csv").unlink()
    with (pipeline / "train.py").open("a") as script:
        script.write("\n# edited")
    assert rerun(pipeline) == (0, "ran @1, @2", ["@1", "@2"])


def test_a_mistyped_word_does_not_become_the_command_of_a_step(trained: Path) -> None:
    assert run("roar", "run", "@1", "--lr", "many", cwd=trained).returncode == 2
    assert run("roar", "status", "--exit-code", cwd=trained).returncode == 1
    assert run("roar", "run", "@1", "--dry-run", cwd=trained).stdout == (
        b"cd exp && python ../train.py ../raw.csv --lr 0.1 -e3\n"
    )
    assert rerun(trained) == (0, "ran @1", ["@1"])
    assert run("roar", "status", "--exit-code", cwd=trained).returncode == 0


@pytest.mark.parametrize("backend", ["preload", "ptrace"])
@pytest.mark.parametrize("last", ["rm part", "mv part old"])
def test_what_a_step_clears_away_itself_is_not_missing(project: Path, backend: str, last: str) -> None:
    for script in ("echo 1 > part", f"cat part > whole; {last}"):
        assert run("roar", "run", "--tracer", backend, "sh", "-c", script, cwd=project).returncode == 0
    assert rerun(project) == (0, "everything is up to date", [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_rerun_records_the_step_and_starts_nothing_more(pipeline: Path, number: signal.Signals) -> None:
    (pipeline / "train.py").write_text("import time\nprint(open('clean.csv').read(), flush=True)\ntime.sleep(600)")
    words = ["roar", "rerun", "--stale"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, cwd=pipeline, stdout=pipe, stderr=pipe, start_new_session=True) as running:
        assert running.stdout
        assert running.stderr
        assert running.stdout.readline() == b"good\n"
        # A terminal tells the whole group, `kill` only the one process.
        if number == signal.SIGINT:
            os.killpg(running.pid, number)
        else:
            running.send_signal(number)
        _, said = running.communicate(timeout=PATIENCE_S)
    assert said.decode().splitlines()[-1] == "interrupted at @2; still out of date: @3"
    assert running.returncode == 130
    assert [(job["step"], job["status"]) for job in jobs(pipeline)[:2]] == [("@2", "interrupted"), ("@3", "ok")]
    wait_for(lambda: not run("pgrep", "-s", str(running.pid)).stdout, "no process is left")
