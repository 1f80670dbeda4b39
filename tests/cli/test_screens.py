"""What people see, compared with snapshots: tests/cli/snapshots/*.txt are meant to be read."""

from __future__ import annotations

import re
import signal
import subprocess

import pytest
from cli_kit import Cli, Recorder, check_snapshot, masked
from daemon_kit import git
from roar_proto.v1 import types_pb2

SCREENS = {
    "status": ("status",),
    "log": ("log",),
    "dag": ("dag",),
    "dag-artifacts": ("dag", "--show-artifacts"),
    "show-job": ("show", "@2"),
    "show-session": ("show",),
    "session-list": ("session", "list"),
    "session-show": ("session", "show"),
    "show-file": ("show", "models/svc.bin"),
    "show-root-file": ("show", "raw.csv"),
    "lineage": ("lineage", "reports/metrics.json"),
    "lineage-depth": ("lineage", "reports/metrics.json", "--depth", "1"),
    "lineage-root": ("lineage", "raw.csv"),
    "lineage-job": ("lineage", "@2"),
    "search": ("search", "train", "py", "-n", "1"),
    "search-files": ("search", "DATA", ".csv"),
    "inputs": ("inputs", "reports/metrics.json"),
    "inputs-direct": ("inputs", "@3", "--direct"),
    "inputs-all": ("inputs", "--all"),
}


@pytest.mark.parametrize("name", SCREENS)
def test_fresh_pipeline(recorded: Recorder, cli: Cli, name: str) -> None:
    said = cli(*SCREENS[name])
    assert (said.status, said.err) == (0, "")
    check_snapshot(name, masked(said.out, recorded))


def make_stale(recorded: Recorder) -> None:
    """Runs step 1 again with another result, edits a file by hand, removes one, and adds odd endings."""
    recorded.job("python preprocess.py", ["raw.csv", "config.json"], {"data/train.csv": "9\n", "data/test.csv": "2\n"})
    recorded.put({"models/svc.bin": "edited by hand"})
    (recorded.root / "reports/plot.png").unlink()
    recorded.job("make tools", ["config.json"], {"bin/tool": "elf"}, kind=types_pb2.JOB_KIND_BUILD)
    recorded.job("python plot.py", ["data/test.csv"], {}, exit_code=3)
    recorded.job(
        "python watch.py",
        ["data/test.csv"],
        {"watch.log": ""},
        interrupted_by=int(signal.SIGINT),
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("stale-status", ("status",)),
        ("stale-log", ("log",)),
        ("stale-dag", ("dag",)),
        ("stale-dag-only", ("dag", "--stale-only")),
        ("stale-dag-expanded", ("dag", "--expanded")),
        ("stale-show-file", ("show", "models/svc.bin")),
        ("stale-rerun", ("rerun", "--stale", "--dry-run")),
    ],
)
def test_stale_pipeline(recorded: Recorder, cli: Cli, name: str, words: tuple[str, ...]) -> None:
    make_stale(recorded)
    said = cli(*words)
    assert (said.status, said.err) == (0, "")
    check_snapshot(name, masked(said.out, recorded))


def commit(recorder: Recorder, message: str, files: dict[str, str]) -> types_pb2.GitState:
    """Commits files and returns what git then says of the clean tree."""
    recorder.put(files)
    git(recorder.root, "add", *files)
    git(recorder.root, "commit", "-q", "-m", message)
    said = subprocess.run(["git", "rev-parse", "HEAD"], cwd=recorder.root, capture_output=True, text=True, check=True)
    return types_pb2.GitState(commit=said.stdout.strip(), branch="main", dirty=False)


def test_what_two_jobs_two_commits_apart_differ_in(recorder: Recorder, cli: Cli) -> None:
    git(recorder.root, "init", "-q", "-b", "main")
    code = "import json\n\nlr = 0.1\nprint(lr)\n"
    before = commit(recorder, "one", {"train.py": code})
    recorder.put({"raw.csv": "1,2\n", "params.yaml": "epochs: 3\n"})
    recorder.job("python prepare.py --seed 1", ["raw.csv"], {"data.csv": "1\n"}, git=before)
    reads = ["data.csv", "params.yaml", "train.py"]
    recorder.job("python train.py --lr 0.1", reads, {"runs/1.json": '{"acc": 0.9, "n": 1}', "m.bin": "1"}, git=before)
    commit(recorder, "two", {"params.yaml": "epochs: 3\n"})
    after = commit(
        recorder, "three", {"train.py": code.replace("print(lr)", "print(lr * 2)"), "params.yaml": "epochs: 5\n"}
    )
    recorder.job("python prepare.py --seed 2", ["raw.csv"], {"data.csv": "2\n"}, git=after)
    recorder.job(
        "python train.py --lr 0.2", reads, {"runs/2.json": '{"acc": 0.8}', "m.bin": "2"}, git=after, exit_code=3
    )
    said = cli("diff", "@-3", "@-1")
    assert (said.status, said.err) == (0, "")
    text = (
        masked(said.out, recorder).replace(before.commit[:12], "<commit a> ").replace(after.commit[:12], "<commit b> ")
    )
    check_snapshot("diff-jobs", re.sub(r"[+] [0-9a-f]{12}  two", "+ <commit>    two", text))
    said = cli("diff", "runs/1.json", "runs/2.json", "--depth", "1", "--no-patch")
    text = (
        masked(said.out, recorder).replace(before.commit[:12], "<commit a> ").replace(after.commit[:12], "<commit b> ")
    )
    check_snapshot("diff-files", re.sub(r"[+] [0-9a-f]{12}  two", "+ <commit>    two", text))


def test_what_two_sessions_differ_in(recorded: Recorder, cli: Cli) -> None:
    first = cli("show", "--json").json["hash"]
    cli("reset", "-y")
    recorded.job("python preprocess.py", ["raw.csv"], {"data/train.csv": "1\n", "data/test.csv": "2\n"})
    recorded.job("python plot.py", ["data/test.csv"], {"plot.svg": "s"})
    second = cli("show", "--json").json["hash"]
    said = cli("diff", first[:12], second)
    assert (said.status, said.err) == (0, "")
    check_snapshot("diff-sessions", masked(said.out, recorded))


def test_everything_about_a_job(recorder: Recorder, cli: Cli) -> None:
    recorder.put({"in.csv": "x", "run.sh": "#!/bin/sh\n"})
    recorder.job(
        "sh run.sh",
        ["in.csv", "run.sh"],
        {"out.csv": "y"},
        outside=["/etc/passwd"],
        warnings=[
            types_pb2.Warning(code="io-uring", message="python (pid 41) read through io_uring, which is not seen")
        ],
    )
    said = cli("show", "@1", "--dropped", "--processes")
    assert (said.status, said.err) == (0, "")
    check_snapshot("show-job-everything", masked(said.out, recorder))


@pytest.mark.parametrize(
    ("seen_by", "lost", "codes", "shown"),
    [
        (("ebpf", "ebpf"), 0, [], "  seen by    ebpf (2 processes)\n  complete   yes\n"),
        (
            ("preload", "ptrace"),
            0,
            ["tracer-fallback"],
            "  seen by    preload (1 process), ptrace (1 process, handed over)\n  complete   yes, 1 warning\n",
        ),
        (
            ("preload", "launcher"),
            0,
            ["process-unseen", "still-running"],
            "  seen by    preload (1 process), nobody (1 process)\n  complete   no, 2 warnings\n",
        ),
        (("ebpf", "ebpf"), 3, [], "  seen by    ebpf (2 processes)\n  complete   no, 3 events lost\n"),
        (("none", "none"), 0, ["untraced"], "  seen by    nobody (2 processes)\n  complete   no, 1 warning\n"),
    ],
)
def test_who_looked_on_and_what_was_missed(
    recorder: Recorder, cli: Cli, *, seen_by: tuple[str, str], lost: int, codes: list[str], shown: str
) -> None:
    warnings = [types_pb2.Warning(code=code, message="why") for code in codes]
    recorder.job("python a.py", seen_by=seen_by, events_lost=lost, warnings=warnings)
    assert shown in cli("show", "@1").out


def test_empty_project(recorder: Recorder, cli: Cli) -> None:
    screens = [f"$ roar {word}\n{cli(word).out}{cli(word).err}" for word in ("status", "log", "dag", "show")]
    check_snapshot("empty", masked("\n".join(screens), recorder))


def test_overview(cli: Cli) -> None:
    overview = cli("--help")
    assert (overview.status, overview.err) == (0, "")
    assert overview == cli("-h") == cli() == cli("help")
    check_snapshot("overview", overview.out)
