"""What commands do, what they refuse, and the exit status of both."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from cli_kit import Cli, Recorder, validate
from daemon_kit import Daemon, Run, git


def in_git(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q")
    return folder


# init


def test_init_makes_a_project_and_can_be_repeated(cli: Cli, tmp_path: Path) -> None:
    said = cli("init", cwd=tmp_path)
    assert (said.status, said.out) == (0, f"made a roar project in {tmp_path.resolve()}\n")
    assert {path.name for path in (tmp_path / ".roar").iterdir()} >= {"roar.db", "config.toml"}
    before = (tmp_path / ".roar/roar.db").stat().st_ino
    said = cli("init", cwd=tmp_path)
    assert (said.status, said.out) == (0, f"there is already a roar project in {tmp_path.resolve()}\n")
    assert (tmp_path / ".roar/roar.db").stat().st_ino == before


def test_init_outside_git_says_nothing_of_gitignore(cli: Cli, tmp_path: Path) -> None:
    said = cli("init", "-y", cwd=tmp_path)
    assert "gitignore" not in said.out + said.err
    assert not (tmp_path / ".gitignore").exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, ".roar/\n"),
        ("", ".roar/\n"),
        ("data/\n", "data/\n.roar/\n"),
        ("data/", "data/\n.roar/\n"),
        ("# .roar is fine\nmy.roar/\n", "# .roar is fine\nmy.roar/\n.roar/\n"),
        (".roar/\n", ".roar/\n"),
        ("/.roar\n", "/.roar\n"),
        (".*\n", ".*\n"),
    ],
)
def test_init_adds_to_gitignore_what_git_does_not_ignore_yet(
    cli: Cli, tmp_path: Path, before: str | None, after: str
) -> None:
    folder = in_git(tmp_path / "repo")
    if before is not None:
        (folder / ".gitignore").write_text(before)
    for _ in range(2):
        assert cli("init", "-y", cwd=folder).status == 0
    assert (folder / ".gitignore").read_text() == after


def test_init_leaves_gitignore_alone_when_told_and_when_nobody_can_be_asked(cli: Cli, tmp_path: Path) -> None:
    for name, words in (("told", ["-n"]), ("nobody", [])):
        folder = in_git(tmp_path / name)
        said = cli("init", *words, cwd=folder)
        assert said.status == 0
        assert not (folder / ".gitignore").exists()
        assert "hint: git sees `.roar/`" in said.err


def test_init_elsewhere_and_inside_another_project(cli: Cli, recorder: Recorder) -> None:
    (recorder.root / "sub").mkdir()
    said = cli("init", "--path", "sub")
    assert said.status == 0
    assert f"it lies inside the project {recorder.root}" in said.err
    assert (recorder.root / "sub/.roar/roar.db").exists()


def test_init_refuses_what_makes_no_sense(cli: Cli, tmp_path: Path) -> None:
    assert cli("init", "-y", "-n", cwd=tmp_path).status == 2
    said = cli("init", "--path", "nowhere", cwd=tmp_path)
    assert (said.status, said.err.splitlines()[0]) == (
        1,
        f"error[no-directory]: there is no directory `{tmp_path.resolve()}/nowhere`",
    )


# reset


def test_reset_opens_a_session_and_the_old_one_stays_reachable(recorded: Recorder, cli: Cli) -> None:
    old = cli("status", "--json").json["session"]["hash"]
    said = cli("reset", "-y")
    assert (said.status, said.out) == (0, f"closed session {old[:12]} (3 jobs)\n")
    assert cli("log").out == ""
    assert "`roar log --all` lists those of older sessions\n" in cli("log").err
    assert len(cli("log", "--all").out.splitlines()) == 4
    assert cli("show", "--session", old[:12], "--json").json["job_count"] == 3
    assert cli("lineage", "reports/metrics.json", "--json").json["jobs"][0]["id"] == recorded.uids[2]
    assert cli("reset", "-y").out == "the session is empty already\n"


def test_reset_asks_and_without_a_terminal_wants_to_be_told(recorded: Recorder, cli: Cli) -> None:
    said = cli("reset")
    assert (said.status, said.err) == (2, "error[usage]: there is nobody to ask\nhint: say `roar reset -y`\n")
    assert cli("status", "--json").json["session"]["jobs"] == len(recorded.uids)


# session


def test_sessions_are_listed_shown_and_used(recorded: Recorder, cli: Cli) -> None:
    old = cli("status", "--json").json["session"]["hash"]
    cli("reset", "-y")
    recorded.job("python other.py", [], {"other": "1"})
    new = cli("status", "--json").json["session"]["hash"]
    assert [(found["hash"], found["active"]) for found in cli("session", "list", "--json").json["sessions"]] == [
        (new, True),
        (old, False),
    ]
    assert cli("session", "show", old[:8]).out == cli("show", "--session", old[:8]).out
    said = cli("session", "use", old[:8])
    assert (said.status, said.out, said.err) == (
        0,
        f"session {old[:12]} is active (3 steps, 3 jobs)\n",
        f"hint: `roar session use {new[:12]}` goes back\n",
    )
    assert cli("show", "@3", "--json").json["id"] == recorded.uids[2]
    assert cli("session", "use", old[:8]).out == f"session {old[:12]} is the active one already\n"
    used = cli("session", "use", new[:8], "--json").json
    validate("session-use", used)
    assert (used["closed"]["hash"], used["opened"]["hash"], used["opened"]["active"]) == (old, new, True)


# rerun


def test_rerun_lists_what_it_would_run_in_order_and_runs_nothing(recorded: Recorder, cli: Cli) -> None:
    said = cli("rerun", "--stale", "--dry-run")
    assert (said.status, said.out, said.err) == (0, "", "everything is up to date\n")
    recorded.put({"raw.csv": "edited"})
    assert [step["step"] for step in cli("rerun", "--stale", "--dry-run", "--json").json["steps"]] == ["@1", "@2", "@3"]
    assert [step["step"] for step in cli("rerun", "--stale", "--dry-run", "@1", "--json").json["steps"]] == ["@1"]
    assert cli("status", "--json").json["session"]["jobs"] == len(recorded.uids)


# status, log


def test_status_tells_by_its_exit_status_when_asked(recorded: Recorder, cli: Cli) -> None:
    assert cli("status", "--exit-code").status == 0
    recorded.put({"raw.csv": "edited"})
    assert (cli("status", "--exit-code").status, cli("status").status) == (1, 0)
    assert cli("status", "--exit-code", "--json").json["stale"] is True


def test_status_shows_what_runs(recorder: Recorder, cli: Cli, shared_daemon: Daemon) -> None:
    run = Run(recorder.root, argv=[b"python", b"forever.py"])
    with run.held():
        shared_daemon.begin(run)
        said = cli("status")
        assert re.search(r"\nrunning\n  running  \S+ +pid \d+  no file seen, 0 hashed \(0 B\)  python", said.out)
        assert said.out.endswith("python forever.py\n")
        assert cli("status", "--json").json["running"][0]["command"] == ["python", "forever.py"]
        assert "python forever.py" in cli("daemon", "status").out
        (told,) = cli("daemon", "status", "--json").json["runs"]
        assert (told["phase"], told["files_seen"], told["files_hashed"], told["bytes_hashed"]) == ("running", 0, 0, 0)
        assert told["elapsed_s"] >= 0
        validate("daemon", cli("daemon", "status", "--json").json)
    run.seal()
    shared_daemon.finish(run)


def test_status_names_the_command_that_mends_what_is_stale(recorded: Recorder, cli: Cli) -> None:
    assert "next" not in cli("status").out
    recorded.put({"raw.csv": "edited"})
    assert "next  roar rerun --stale\n" in cli("status").out


def test_log_says_when_there_is_more(recorded: Recorder, cli: Cli) -> None:
    said = cli("log", "-n", "2")
    assert (len(said.out.splitlines()), said.err) == (3, "1 older: `roar log -n 3` lists them too\n")
    assert cli("log", "--grep", "train|evaluate").out.count("python") == 2
    assert (cli("log", "--status", "failed").out, cli("log", "--status", "failed").err) == ("", "no job matches\n")
    assert len(recorded.uids) == 3


# daemon


def test_daemon_status_and_logs(recorder: Recorder, cli: Cli, shared_daemon: Daemon) -> None:
    said = cli("daemon", "status")
    assert said.status == 0
    assert f"pid {shared_daemon.process.pid}" in said.out
    assert str(recorder.root) in said.out
    assert cli("daemon", "start").out.endswith(f"is running already, pid {shared_daemon.process.pid}\n")
    logs = cli("daemon", "logs", "-n", "1")
    assert (logs.status, len(logs.out.splitlines())) == (0, 1)


# errors


@pytest.mark.parametrize(
    ("words", "status", "error"),
    [
        (
            ["show", "@9"],
            1,
            "error[no-such-step]: no step `@9` in the active session\n  its steps are @1 to @3\nhint: ",
        ),
        (["show", "@-9"], 1, "error[no-such-job]: no job `@-9`\nhint: `roar log --all` lists the jobs\n"),
        (["show", "@x"], 2, "error[bad-reference]: `@x` is not a reference: "),
        (["show", "nothing.txt"], 1, "error[no-such-artifact]: no recorded artifact `nothing.txt`\n"),
        (["log", "--grep", "("], 2, "error[bad-pattern]: `(` is not a regular expression: "),
        (["log", "-n", "0"], 2, "error[usage]: invalid value for `-n` / `--number`: it must be 1 or more\n"),
        (["log", "--status", "odd"], 2, "error[usage]: invalid value for `--status`: "),
        (["show", "--job", "--path", "x"], 2, "error[usage]: a reference is of one kind: "),
        (["lineage"], 2, "error[usage]: missing "),
        (
            ["dag", "--frobnicate"],
            2,
            "error[usage]: `roar dag` has no option `--frobnicate`\nhint: see `roar dag --help`",
        ),
        (["dag", "--jsn"], 2, "error[usage]: `roar dag` has no option `--jsn`\nhint: did you mean `--json`? see "),
        (
            ["config", "lst"],
            2,
            "error[usage]: `roar config` has no command `lst`\nhint: did you mean `roar config list`? ",
        ),
        (["config", "set"], 2, "error[usage]: missing argument `KEY`\nhint: see `roar config set --help`\n"),
        (["status", "a", "b"], 2, "error[usage]: more words than `roar status` takes: `a b`\n"),
        (["log", "-n"], 2, "error[usage]: option `-n` requires "),
        (["log", "-n", "x"], 2, "error[usage]: invalid value for `-n` / `--number`: `x` is not a whole number\n"),
        (["completion"], 2, "error[usage]: missing argument `SHELL`. Choose from: bash, zsh, fish\n"),
        (["shwo"], 2, "error[usage]: no command `shwo`\nhint: did you mean `roar show`? "),
        (["history"], 2, "error[usage]: no command `history`\nhint: did you mean `roar log`? "),
        (["cp", "x y", "z"], 2, "error[usage]: no command `cp`\nhint: to record a command: `roar run cp 'x y' z`; "),
        ([""], 2, "error[usage]: the command is empty\nhint: `roar --help` "),
        (["--json", "dag"], 2, "error[usage]: no option `--json` before a command\nhint: options follow the command: "),
        (["--verson"], 2, "error[usage]: no option `--verson` before a command\nhint: did you mean `roar --version`? "),
        (["frobnicate"], 2, "error[usage]: no command `frobnicate`\nhint: `roar --help` lists the commands\n"),
        (["--frobnicate"], 2, "error[usage]: no option `--frobnicate` before a command\n"),
        (["daemon"], 2, "error[usage]: missing command\nhint: `roar daemon` has status, "),
        (["session"], 2, "error[usage]: missing command\n"),
        (
            ["session", "use", "ffff"],
            1,
            "error[no-such-session]: no session `ffff`\nhint: `roar session list` lists them\n",
        ),
        (["session", "use", ""], 2, "error[usage]: the hash is empty\n"),
        (["rerun"], 2, "error[usage]: say what is to be run again\n"),
        (["rerun", "--stale", "--json"], 2, "error[usage]: `--json` is for `--dry-run`\n"),
        (
            ["rerun", "--stale", "@9"],
            1,
            "error[no-such-step]: no step `@9` in the active session\n  its steps are @1 to @3\n",
        ),
        (["rerun", "--stale", "train.py"], 2, "error[bad-reference]: `train.py` is not a reference: a step is meant\n"),
    ],
)
def test_errors_have_one_form_and_a_status(
    recorded: Recorder, cli: Cli, words: list[str], status: int, error: str
) -> None:
    said = cli(*words)
    assert (said.status, said.out) == (status, "")
    assert said.err.startswith(error)
    assert recorded.uids


def test_an_ambiguous_reference_lists_what_it_fits(recorder: Recorder, cli: Cli) -> None:
    recorder.put({"cafe": "x"})
    recorder.job("python a.py", ["cafe"])
    # Sixteen to the third jobs would be needed for two ids that begin alike: a file of that name does.
    prefix = recorder.uids[0][:5]
    recorder.put({prefix: "x"})
    recorder.job("python b.py", [prefix])
    said = cli("show", prefix)
    assert said.status == 2
    assert f"it fits job {recorder.uids[0]}, file {prefix}" in said.err
    assert "hint: write more of it, or decide with --job, --session, --artifact or --path\n" in said.err
    assert cli("show", "--job", prefix).status == cli("show", "--path", prefix).status == 0


@pytest.mark.parametrize("command", ["status", "log", "show", "dag", "reset", "session list", "rerun --stale"])
def test_outside_of_a_project(cli: Cli, tmp_path: Path, command: str) -> None:
    said = cli(*command.split(), cwd=tmp_path)
    assert said.status == 1
    assert said.err == (
        "error[no-project]: no roar project here or in a directory above\n"
        f"  searched: `{tmp_path.resolve()}` and upwards\n"
        "hint: go to a project, or make one: run `roar init` in the project's top directory\n"
    )


def test_a_project_whose_database_was_removed(recorder: Recorder, cli: Cli) -> None:
    for path in (recorder.root / ".roar").glob("roar.db*"):
        path.unlink()
    said = cli("status")
    assert (said.status, "0 jobs" in said.out) == (0, True)


def test_a_removed_working_directory(tmp_path: Path, roar_py: list[str]) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    words = " ".join(roar_py)
    done = subprocess.run(
        ["sh", "-c", f"rmdir ../gone; exec {words} status"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[0] == "error[no-project]: the working directory cannot be found"
    assert done.returncode == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_project(recorder: Recorder, cli: Cli) -> None:
    (recorder.root / ".roar").chmod(0)
    said = cli("status")
    (recorder.root / ".roar").chmod(0o700)
    assert (said.status, said.err[: len("error[unreadable-project]")]) == (1, "error[unreadable-project]")


def test_a_broken_configuration(recorder: Recorder, cli: Cli) -> None:
    (recorder.root / ".roar/config.toml").write_text("[output]\nquiet = maybe\n")
    # The commands that only look do not need it.
    assert cli("status").status == 0


def test_a_reader_that_goes_away_is_no_error(recorded: Recorder, roar_py: list[str]) -> None:
    for index in range(40):
        recorded.job(f"python many.py {index}")
    command = f"{' '.join(roar_py)} show --json @1 | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=recorded.root, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.strip() in {"0", "141"}


def test_a_file_without_inputs_says_why(recorded: Recorder, cli: Cli) -> None:
    said = cli("inputs", "raw.csv")
    assert (said.out, said.status) == ("", 0)
    assert said.err == "no recorded job made it: it is an input itself\n"
    assert recorded.uids


def test_direct_and_all_inputs_exclude_each_other(recorded: Recorder, cli: Cli) -> None:
    said = cli("inputs", "--direct", "--all")
    assert (said.status, said.out) == (2, "")
    assert "--direct and --all exclude each other" in said.err
    assert recorded.uids


def test_a_job_and_a_file_cannot_be_compared(recorded: Recorder, cli: Cli) -> None:
    said = cli("diff", "@1", "raw.csv")
    assert (said.status, said.out) == (2, "")
    assert "`@1` is a job and `raw.csv` is a file" in said.err
    assert cli("diff", "@2", recorded.uids[1], "--no-patch").out.endswith(
        "the same command, code, inputs and outputs\n"
    )


def test_a_search_without_result_says_so_and_one_without_words_is_refused(recorded: Recorder, cli: Cli) -> None:
    said = cli("search", "nowhere", "preprocess")
    assert (said.status, said.out) == (0, "")
    assert said.err == "nothing found: no recorded command and no path has all these words in it\n"
    assert cli("search", "").status == cli("search").status == 2
    assert recorded.uids


def test_the_log_of_an_old_session_is_found_by_its_hash(recorded: Recorder, cli: Cli) -> None:
    old = cli("show", "--json").json["hash"]
    cli("reset", "-y")
    recorded.job("python plot.py", ["raw.csv"], {"plot.svg": "s"})
    assert [job["id"] for job in cli("log", "--session", old[:12], "--json").json["jobs"]] == recorded.uids[2::-1]
    assert [job["id"] for job in cli("log", "--json").json["jobs"]] == recorded.uids[3:]
    assert "no session `beefbeef`" in cli("log", "--session", "beefbeef").err
    assert cli("log", "--all", "--session", old).status == 2
