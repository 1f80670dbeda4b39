"""`roar pop`: what it says, asks and refuses, with real git and a real daemon."""

from __future__ import annotations

from cli_kit import Cli, Recorder, check_snapshot, masked, validate
from daemon_kit import Run, git


def in_git(recorder: Recorder) -> None:
    """Records a job of whose outputs one is tracked, one edited, one used again, and one its own."""
    git(recorder.root, "init", "-q")
    recorder.put({"raw.csv": "1\n", "tracked.txt": "t\n"})
    recorder.job("python first.py", ["raw.csv"], {"shared.bin": "s"})
    recorder.job(
        "python second.py --lr 1",
        ["raw.csv"],
        {"data/own.bin": "own" * 700, "edited.txt": "e", "shared.bin": "s2", "tracked.txt": "t2"},
    )
    git(recorder.root, "add", "tracked.txt")
    recorder.put({"edited.txt": "by hand"})


def test_screens_and_documents(recorder: Recorder, cli: Cli) -> None:
    in_git(recorder)
    screens = []
    for words in (
        ("pop", "--dry-run"),
        ("pop", "-y"),
        ("pop", "--list"),
        ("db", "gc", "--dry-run"),
        ("pop", "--undo", "--dry-run"),
        ("pop", "--undo"),
        ("pop", "--list"),
        ("pop", "--undo"),
    ):
        said = cli(*words)
        screens.append(f"$ roar {' '.join(words)}\n{said.out}{said.err}")
    text = masked("\n".join(screens), recorder)
    check_snapshot("pop", text.replace("in the future", "just now     "))
    for words in (("pop", "--dry-run"), ("pop", "-y"), ("pop", "--list"), ("pop", "--undo")):
        said = cli(*words, "--json")
        assert (said.status, said.err) == (0, "")
        validate("pop", said.json)
    assert cli("db", "check").status == 0


def test_an_empty_session_and_nobody_to_ask(recorder: Recorder, cli: Cli) -> None:
    assert (cli("pop", "-y").status, "error[nothing-to-pop]" in cli("pop", "-y").err) == (1, True)
    recorder.job("true")
    refused = cli("pop")
    assert (refused.status, "say `roar pop -y`" in refused.err) == (2, True)
    assert cli("pop", "--undo", "--list").status == 2
    assert cli("log").out


def test_nothing_is_popped_beside_a_job_that_runs(recorded: Recorder, cli: Cli) -> None:
    running = Run(recorded.root, argv=[b"python", b"long.py"])
    with running.held():
        recorded.daemon.begin(running)
        refused = cli("pop", "-y")
        running.seal()
    assert (refused.status, "error[runs-in-flight]" in refused.err) == (1, True)
    assert "`python long.py`" in refused.err
    recorded.daemon.finish(running)
    assert cli("pop", "-y").status == 0
    assert len(cli("log", "--json").json["jobs"]) == len(recorded.uids)


def test_a_pipeline_is_popped_step_by_step_and_comes_back(recorded: Recorder, cli: Cli) -> None:
    before = cli("status", "--json").json["session"]["hash"]
    popped = [cli("pop", "-y", "--json").json["id"] for _ in range(3)]
    assert popped == recorded.uids[::-1]
    assert not (recorded.root / "models/svc.bin").exists()
    assert [cli("pop", "--undo", "--json").json["id"] for _ in range(3)] == recorded.uids
    assert cli("status", "--json").json["session"]["hash"] == before
    assert "stale" not in cli("status").out
