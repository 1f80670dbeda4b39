"""The first hour of somebody new: every mistake of it is answered by what is wrong and what to do about it."""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from launcher_kit import answer, newest_job, run, written
from project_kit import GIT, make_project

PREPARE = "rows = open('raw.csv').read().split()\nopen('clean.csv', 'w').write('+'.join(rows))\n"
TRAIN = "open('model.txt', 'w').write(str(eval(open('clean.csv').read())))\n"


@pytest.fixture
def digits(tmp_path: Path, module_daemon: Path) -> Path:
    """A project in git with a pipeline of two scripts, which has not run yet."""
    del module_daemon
    root = make_project(tmp_path / "digits")
    (root / ".gitignore").write_text(".roar/\nclean.csv\nmodel.txt\n")
    (root / "raw.csv").write_text("1\n2\n3\n")
    (root / "prepare.py").write_text(PREPARE)
    (root / "train.py").write_text(TRAIN)
    commit(root, "pipeline")
    return root


@pytest.fixture
def trained(digits: Path) -> Path:
    """The same after it ran."""
    ran(digits, "prepare.py")
    ran(digits, "train.py")
    return digits


def git(where: Path, *words: str) -> None:
    subprocess.run([*GIT, *words], cwd=where, check=True, capture_output=True)


def commit(root: Path, message: str) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-qm", message)


def ran(root: Path, script: str) -> None:
    done = run("roar", "run", sys.executable, script, cwd=root)
    assert done.returncode == 0, done.stderr


def refused(where: Path, line: str, status: int, *parts: str, **environment: str) -> str:
    """Runs a line that must fail; every part must be in the message, and a hint. Returns the message."""
    done = run(*shlex.split(line), cwd=where, env={**os.environ, **environment}, stdin=subprocess.DEVNULL)
    said = done.stderr.decode()
    assert done.returncode == status, said
    assert said.startswith("error["), said
    assert "\nhint: " in said, said
    missing = [part for part in parts if part not in said]
    assert not missing, said
    return said


def said(where: Path, line: str, **environment: str) -> str:
    """Returns all that a line which succeeds says."""
    done = run(*shlex.split(line), cwd=where, env={**os.environ, **environment}, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return (done.stdout + done.stderr).decode()


def steps_up_to_date(where: Path) -> dict[str, bool]:
    return {step["step"]: not step["stale"] for step in answer(where, "dag")["steps"]}


# no project, or not this one

# Of those that need one, with as many words as they take.
ABOUT_A_PROJECT = (
    "dag, status, log, show, show @1, lineage a, inputs a, search a, diff a b, top, ps, watch, tui, pop -y, reset -y, "
    "rerun --stale, label show dag current, session list, config list, config set output.quiet true, env list, "
    "ignore a, track a, db info, db check, gc"
)


@pytest.mark.usefixtures("module_daemon")
def test_without_a_project_every_command_says_how_to_get_one(tmp_path: Path) -> None:
    for line in ABOUT_A_PROJECT.split(", "):
        refused(tmp_path, f"roar {line}", 1, "error[no-project]", f"`{tmp_path}` and upwards", "run `roar init`")
    for line in ("run touch made", "build touch made", "run @1"):
        refused(tmp_path, f"roar {line}", 125, "error[no-project]", "run `roar init`")
    assert list(tmp_path.iterdir()) == []


def test_beside_the_project_there_is_none_and_below_it_there_is(trained: Path) -> None:
    beside, below = trained.parent / "beside", trained / "notes/old"
    beside.mkdir()
    below.mkdir(parents=True)
    refused(beside, "roar status", 1, "go to a project, or make one")
    assert answer(below, "status")["session"] == answer(trained, "status")["session"]
    refused(below, "roar show clean.csv", 1, "did you mean `../../clean.csv`?")


def test_a_project_in_the_home_directory_is_made_and_its_reach_is_told(tmp_path: Path, module_daemon: Path) -> None:
    del module_daemon
    home, work = tmp_path / "home", tmp_path / "home/work"
    (home / ".roar").mkdir(parents=True)
    (home / ".roar/config.toml").write_text("")
    work.mkdir()
    # What another tool may keep there is no project.
    refused(work, "roar status", 1, "error[no-project]", HOME=str(home))
    told = said(home, "roar init", HOME=str(home))
    assert "this is your home directory" in told
    assert f"remove `{home}/.roar`" in told
    said(work, "roar status", HOME=str(home))


def test_init_twice_changes_nothing_and_inside_a_project_says_so(trained: Path) -> None:
    before = answer(trained, "status")["session"]["hash"]
    assert "already" in said(trained, "roar init -y")
    assert answer(trained, "status")["session"]["hash"] == before
    (trained / "sub").mkdir()
    told = said(trained / "sub", "roar init -n")
    assert f"inside the project {trained}" in told
    assert f"remove `{trained}/sub/.roar`" in told


# misspelt


def test_a_misspelt_word_is_a_wrong_usage_and_the_right_one_is_named(digits: Path) -> None:
    for line, hint in (
        ("roar stats", "did you mean `roar status`?"),
        ("roar lgo", "did you mean `roar log`?"),
        ("roar history", "did you mean `roar log`?"),
        ("roar ps x y", "see `roar ps --help`"),
        ("roar config lst", "did you mean `roar config list`?"),
        ("roar session", "`roar session` has list, show, use"),
        ("roar log --al", "did you mean `--all`?"),
        ("roar --json log", "`roar log --json`"),
        ("roar sh -c 'echo x'", "`roar run sh -c 'echo x'`"),
        ("roar run", "`roar run -h`"),
        ("roar run --trcer ptrace true", "did you mean `--tracer`?"),
        ("roar run --tracer ptrac true", "did you mean `ptrace`?"),
        ("roar config set output.quite true", "did you mean `output.quiet`"),
        ("roar config set tracer.default magic", "allowed: auto, ebpf, preload, ptrace"),
        ("roar label set jb @1 a=b", "see `roar label set --help`"),
    ):
        refused(digits, line, 2, hint)


def test_a_command_that_cannot_be_started_is_not_recorded(digits: Path) -> None:
    python = digits.parent / "bin/python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    path = f"{python.parent}:{os.environ['PATH']}"
    for line, status, hint in (
        ("roar run pythn train.py", 127, "did you mean `python`?"),
        ("roar run train.py", 127, "`./train.py`, or its interpreter"),
        ("roar run 'python train.py'", 127, "not quoted together"),
        ("roar run cd data", 127, "`sh -c '...'`"),
        ("roar run FOO=1 python train.py", 127, "`env FOO=1 COMMAND`"),
        ("roar run '' train.py", 127, "a variable of the shell that is not set?"),
        ("roar run nowhere/train.py", 127, "the path is taken from"),
        ("roar run ./train.py", 126, "`chmod +x ./train.py`"),
        ("roar run ./", 126, "it is a directory"),
    ):
        refused(digits, line, status, hint, PATH=path)
    assert answer(digits, "log")["jobs"] == []


# references that name nothing


def test_before_the_first_run_every_command_says_how_to_record_one(digits: Path) -> None:
    for command in ("status", "dag", "log"):
        assert "roar run" in said(digits, f"roar {command}"), command
    refused(digits, "roar show @1", 1, "it has no steps yet", "`roar run COMMAND`")
    refused(digits, "roar run @1", 125, "it has no steps yet", "`roar run COMMAND`")


def test_every_wrong_reference_says_what_is_wrong_with_it(trained: Path) -> None:
    unseen = trained / "unseen.txt"
    unseen.write_text("x")
    for ref, status, parts in (
        ("@99", 1, ("no step `@99`", "its steps are @1 to @2", "`roar status`")),
        ("@B1", 1, ("no step `@B1`", "its steps are @1 to @2")),
        ("@-9", 1, ("no job `@-9`", "`roar log --all`")),
        ("@x", 2, ("is not a reference", "use @N, @BN")),
        ("2", 1, ("`@2`",)),
        ("''", 2, ("it is empty",)),
        ("0000", 1, ("no job or session begins", "8 or more")),
        ("00000000", 1, ("begins with these digits", "`roar log --all`")),
        ("nothing.txt", 1, ("`nothing.txt`", "`roar search`")),
        ("clean.cvs", 1, ("did you mean `clean.csv`?",)),
        ("unseen.txt", 1, ("it is there, but no recorded job read or wrote it", "`roar run COMMAND`")),
        (str(trained.parent / "outside"), 1, ("only files that a recorded job read or wrote",)),
        (".", 1, ("it is a directory", "name a file in it")),
        ("HEAD", 1, ("names that git gives to commits", "`roar show JOB`")),
    ):
        refused(trained, f"roar show {ref}", status, *parts)
    refused(trained, "roar run @9", 125, "its steps are @1 to @2")
    refused(trained, "roar show --job clean.csv", 2, "a job is meant", "an id; `roar log`")
    refused(trained, "roar session use 0000", 1, "`roar session list`")
    refused(trained, "roar diff @1 clean.csv", 2, "`@1` is a job and `clean.csv` is a file")


def test_a_prefix_of_two_things_lists_both(trained: Path) -> None:
    job = newest_job(trained)["id"]
    twin = trained / job[:4]
    twin.write_text("x")
    said(trained, f"roar run cat {twin}")
    refused(trained, f"roar show {job[:4]}", 2, f"job {job}", f"file {twin.name}", "--job, --session")


# a project that moves


def test_a_project_moved_while_the_daemon_has_it_open_goes_on(trained: Path) -> None:
    moved = trained.rename(trained.parent / "moved")
    assert steps_up_to_date(moved) == {"@1": True, "@2": True}
    ran(moved, "train.py")
    job = newest_job(moved)
    assert (job["step"], written(job)) == ("@2", ["model.txt"])
    refused(moved.parent, "roar status", 1, "error[no-project]")


def test_a_copy_is_a_project_of_its_own(trained: Path) -> None:
    copy = trained.parent / "copy"
    shutil.copytree(trained, copy)
    for root in (copy, trained, copy):
        ran(root, "train.py")
    assert (len(answer(copy, "log")["jobs"]), len(answer(trained, "log")["jobs"])) == (4, 3)
    (copy / "raw.csv").write_text("9\n")
    assert steps_up_to_date(copy) == {"@1": False, "@2": False}
    assert steps_up_to_date(trained) == {"@1": True, "@2": True}


def test_a_clone_with_a_committed_database_works_and_init_says_how_to_end_it(trained: Path) -> None:
    # So that all of the database is in its file, as after a night.
    run("roar", "daemon", "stop")
    git(trained, "add", "-f", ".roar", "clean.csv", "model.txt")
    git(trained, "commit", "-qm", "everything")
    clone = trained.parent / "clone"
    git(trained, "clone", "-q", str(trained), str(clone))
    assert steps_up_to_date(clone) == {"@1": True, "@2": True}
    ran(clone, "train.py")
    assert len(answer(clone, "log")["jobs"]) == 3
    assert len(answer(trained, "log")["jobs"]) == 2
    assert "`git rm -r --cached .roar`" in said(clone, "roar init -n")
    git(clone, "rm", "-rq", "--cached", ".roar")
    assert "hint" not in said(clone, "roar init -n")


# git


def test_two_branches_make_stale_what_differs_and_diff_tells_the_commits(trained: Path) -> None:
    git(trained, "switch", "-qc", "faster")
    (trained / "prepare.py").write_text(PREPARE.replace("'+'", "'*'"))
    commit(trained, "multiply")
    assert "`prepare.py` was changed" in said(trained, "roar status")
    said(trained, "roar rerun --stale")
    git(trained, "switch", "-q", "main")
    assert steps_up_to_date(trained) == {"@1": False, "@2": False}
    assert "on faster" in said(trained, "roar show @1")
    oldest = answer(trained, "log")["jobs"][-1]["id"]
    told = said(trained, f"roar diff {oldest} @1")
    assert "multiply" in told
    assert "'*'.join" in told


def test_a_dirty_tree_is_recorded_as_one(trained: Path) -> None:
    (trained / "train.py").write_text(TRAIN + "# to be removed\n")
    assert "`train.py` was changed" in said(trained, "roar status")
    ran(trained, "train.py")
    assert "on main, dirty: 1 changed file" in said(trained, "roar show @2")
    git(trained, "checkout", "-q", "train.py")
    assert steps_up_to_date(trained) == {"@1": True, "@2": False}


def test_a_detached_head_and_a_branch_without_commits_are_told(trained: Path) -> None:
    git(trained, "checkout", "-q", "--detach")
    ran(trained, "train.py")
    assert "on a detached head" in said(trained, "roar show @2")
    git(trained, "switch", "-q", "--orphan", "empty")
    said(trained, "roar run true")
    assert "no commit yet on empty" in said(trained, "roar show @-1")


def test_without_git_there_is_a_record_and_no_word_about_it(tmp_path: Path, module_daemon: Path) -> None:
    del module_daemon
    (tmp_path / "raw.csv").write_text("1\n")
    assert ".gitignore" not in said(tmp_path, "roar init")
    said(tmp_path, "roar run cp raw.csv copy.csv")
    assert written(newest_job(tmp_path)) == ["copy.csv"]
    assert "git" not in said(tmp_path, "roar show @1")


def test_a_worktree_is_no_project_and_a_submodule_is_part_of_one(trained: Path) -> None:
    other = trained.parent / "other"
    git(trained, "worktree", "add", "-q", "-b", "side", str(other))
    refused(other, "roar status", 1, "error[no-project]")
    assert "made" in said(other, "roar init")
    ran(other, "prepare.py")
    assert "on side" in said(other, "roar show @1")
    git(trained, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(trained), "part")
    said(trained / "part", "roar run cp raw.csv again.csv")
    assert written(newest_job(trained)) == ["part/again.csv"]


# what is broken


def test_a_broken_config_names_its_line_and_keeps_nothing_from_being_read(trained: Path) -> None:
    config = trained / ".roar/config.toml"
    config.write_text("[output]\nquiet = = true\n")
    refused(trained, "roar run true", 125, "error[bad-config]", "config.toml:2`", "remove the line")
    refused(trained, "roar config set output.quiet true", 1, "error[bad-config]", "config.toml:2`")
    for command in ("status", "log", "show @1", "dag"):
        said(trained, f"roar {command}")
    config.write_text("[tracer]\ndefalt = 'auto'\n")
    refused(trained, "roar run true", 125, "config.toml:2`", "did you mean `tracer.default`")
    assert len(answer(trained, "log")["jobs"]) == 2


def test_a_database_of_a_newer_roar_is_left_alone(trained: Path) -> None:
    run("roar", "daemon", "stop")
    with sqlite3.connect(trained / ".roar/roar.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    for line, status in (("roar status", 1), ("roar init", 1), ("roar run touch made", 125)):
        refused(trained, line, status, "error[database-too-new]", "schema is `9999`", "upgrade roar")
    assert not (trained / "made").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_the_project_of_another_user_is_not_readable_and_the_owner_is_to_be_asked(trained: Path) -> None:
    # pytest's folders are its user's alone.
    for folder in (*trained.parents, trained):
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    (trained / ".roar").chmod(0o700)
    nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups roar run true"
    refused(trained, nobody, 125, "error[unreadable-project]", "Permission denied", "owner and permissions of `.roar/`")


def test_a_project_that_cannot_be_written_runs_the_command_and_says_that_nothing_is_recorded(trained: Path) -> None:
    runs = trained / ".roar/runs"
    shutil.rmtree(runs)
    # As a file system that is read-only, but also for root.
    runs.write_text("")
    done = run("roar", "run", "echo", "done", cwd=trained)
    assert (done.returncode, done.stdout) == (0, b"done\n")
    assert b"warning[not-recorded]" in done.stderr
    assert b"hint: check owner and permissions of `.roar/`" in done.stderr
