"""`roar ignore`, `roar track`, and what they make of later records."""

from __future__ import annotations

from pathlib import Path

from cli_kit import Cli, Recorder, check_snapshot, masked, validate


def test_later_runs_leave_out_what_the_user_says_and_name_the_line(recorder: Recorder, cli: Cli) -> None:
    recorder.put({"raw.csv": "1", "logs/a.log": "a", "notes.tmp": "n"})
    before = recorder.job("python train.py", ["raw.csv", "notes.tmp"], {"logs/run.log": "x", "model.bin": "m"})
    said = cli("ignore", "logs", "*.tmp")
    assert (said.status, said.err) == (0, "note: what is recorded stays as it is\n")
    check_snapshot("ignore", said.out)
    after = recorder.job("python train.py", ["raw.csv", "notes.tmp"], {"logs/run.log": "y", "model.bin": "m"})
    check_snapshot("ignore-show-dropped", masked(cli("show", after, "--dropped").out, recorder))
    job = cli("show", after, "--dropped", "--json").json
    validate("show", job)
    assert [file["path"] for file in job["inputs"] + job["outputs"]] == ["raw.csv", "model.bin"]
    assert [(file["path"], file["decided_by"]) for file in job["dropped_files"]] == [
        (str(recorder.root / "logs/run.log"), ".roarignore:3: /logs/"),
        (str(recorder.root / "notes.tmp"), ".roarignore:4: *.tmp"),
    ]
    kept = cli("show", before, "--json").json
    assert [file["path"] for file in kept["outputs"]] == ["logs/run.log", "model.bin"]


def test_a_file_that_a_filter_leaves_out_counts_when_the_user_says_so(recorder: Recorder, cli: Cli) -> None:
    assert cli("track", "/etc/passwd").out == (
        "/etc/passwd: counted in later runs: `!//etc/passwd` is new there (.roarignore:3)\n"
    )
    recorder.put({"lib/pyvenv.cfg": "", "lib/site-packages/own.py": "", "lib/site-packages/other.py": ""})
    cli("track", "lib/site-packages/own.py")
    uid = recorder.job(
        "sort", ["lib/site-packages/own.py", "lib/site-packages/other.py"], outside=["/etc/passwd", "/etc/hostname"]
    )
    job = cli("show", uid, "--dropped", "--json").json
    used = {file["path"] for file in job["inputs"] + job["code"]}
    assert used == {"/etc/passwd", "lib/site-packages/own.py"}
    assert {file["rule"] for file in job["dropped_files"]} == {"system", "package"}


def test_the_rules_are_listed_and_taken_back_from_any_directory(recorder: Recorder, cli: Cli) -> None:
    assert cli("ignore").out == "no rules; `roar ignore PATH` makes one\n"
    recorder.put({"data/x.csv": "", "data/y.csv": ""})
    data = recorder.root / "data"
    cli("ignore", "x.csv", "*.bak", cwd=data)
    cli("track", "y.csv", cwd=data)
    said = cli("ignore", cwd=data)
    check_snapshot("ignore-list", said.out)
    validate("ignore", cli("ignore", "--json").json)
    assert cli("track", "x.csv", cwd=data).out == (
        "x.csv: counted in later runs: `/data/x.csv` is gone from .roarignore\n"
    )
    assert cli("ignore", "*.bak", cwd=data).out == (
        "*.bak: left out of later runs: already, by `/data/**/*.bak` (.roarignore:3)\n"
    )


def test_a_line_that_is_no_pattern_is_named_by_the_list_and_by_the_record(recorder: Recorder, cli: Cli) -> None:
    (recorder.root / ".roarignore").write_text("*.log\n!\n")
    said = cli("ignore")
    assert (said.status, said.err.splitlines()[0]) == (
        1,
        f"error[bad-ignore-rule]: `{recorder.root}/.roarignore:2`: `!` is no pattern",
    )
    recorder.put({"a.log": "", "b": ""})
    job = cli("show", recorder.job("cat a.log b", ["a.log", "b"]), "--json").json
    assert ([file["path"] for file in job["inputs"]], job["complete"]) == (["b"], True)
    assert job["warnings"] == ["bad-ignore-rule: part of `.roarignore` decided nothing: no pattern: .roarignore:2 `!`"]


def test_what_makes_no_sense_is_refused(cli: Cli, tmp_path: Path) -> None:
    assert cli("ignore", "!*.log").err == (
        "error[bad-ignore-rule]: `!*.log` is no path\nhint: to count files, run `roar track '*.log'`\n"
    )
    assert cli("ignore", ".").status == 2
    assert cli("ignore", "x", "--json").status == 2
    assert cli("track").status == 2
    assert cli("ignore", cwd=tmp_path).err.startswith("error[no-project]")
