"""What survives when daemon or launcher are killed: everything that was sealed or traced."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon_kit import Daemon, Run, read_of, running_daemon, wait_for, write_of
from roar_proto.v1 import types_pb2

from roard.trace.rundir import HALF_MADE_S

LAUNCHER = """
    #!{python}
    import os, sys
    from roar_proto.v1 import run_pb2
    from roard.trace.format import Kind, write_sealed
    assert sys.argv[1] == "internal-fold", sys.argv
    if os.path.exists({broken!r}):
        print(open({broken!r}).read(), file=sys.stderr)
        sys.exit(65 if "trace-corrupt" in open({broken!r}).read() else 1)
    folded = run_pb2.FoldedTrace(tracer="ptrace", launcher_lost=True, duration_ns=9)
    write_sealed(os.fsencode(sys.argv[2]) + b"/folded", Kind.FOLDED, folded)
"""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """While this file exists, folding fails, and says what is in it."""
    return tmp_path.resolve() / "broken"


@pytest.fixture
def daemon(tmp_path: Path, broken: Path) -> Iterator[Daemon]:
    """A daemon whose launcher folds every run to nothing read and nothing written."""
    launcher = tmp_path / "roar"
    launcher.write_text(textwrap.dedent(LAUNCHER).strip().format(python=sys.executable, broken=str(broken)))
    launcher.chmod(0o755)
    with running_daemon({"ROAR_LAUNCHER": str(launcher)}) as running:
        yield running


@pytest.fixture
def root(daemon: Daemon, tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "project"
    root.mkdir()
    daemon.init(root)
    return root


@pytest.fixture
def corpse() -> int:
    """The pid of a process that is dead."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def gone(run: Run) -> bool:
    return not run.path.exists()


def test_a_sealed_run_of_a_killed_daemon_is_recorded_after_the_next_start(daemon: Daemon, root: Path) -> None:
    runs = [Run(root, argv=[b"job%d" % number]) for number in range(16)]
    for run in runs:
        daemon.begin(run)
    daemon.end(signal.SIGKILL)
    (root / "out").write_text("out")
    for run in runs:
        run.seal(writes=[write_of(root / "out")])
    daemon.start()
    wait_for(lambda: all(gone(run) for run in runs), "sixteen recordings")
    assert {job.run_id for job in daemon.list_jobs(root)} == {run.run_id for run in runs}


def test_a_run_that_goes_on_over_a_new_daemon_is_recorded_by_it(daemon: Daemon, root: Path) -> None:
    run = Run(root)
    with run.held():
        daemon.begin(run)
        daemon.end(signal.SIGKILL)
        daemon.start()
        wait_for(lambda: run.run_id in daemon.log or daemon.list_jobs(root) == [], "the sweep")
        assert run.path.exists()
        assert daemon.finish(run.seal()).run_id == run.run_id


def test_an_abandoned_run_is_folded_and_recorded_as_interrupted(daemon: Daemon, root: Path, corpse: int) -> None:
    run = Run(root, launcher_pid=corpse)
    with run.held():
        daemon.begin(run)
        assert daemon.list_jobs(root) == []
    (job,) = wait_for(lambda: daemon.list_jobs(root), "the recording")
    assert (job.run_id, job.status) == (run.run_id, types_pb2.JOB_STATUS_INTERRUPTED)
    assert gone(run)


def test_the_end_of_the_launcher_wakes_the_daemon(daemon: Daemon, root: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as launcher:
        run = Run(root, launcher_pid=launcher.pid)
        daemon.begin(run)
        run.seal()  # not folded by the daemon, which would take longer
        began = time.monotonic()
        launcher.kill()
        wait_for(lambda: gone(run), "the recording")
        assert time.monotonic() - began < 4


def test_a_sealed_run_whose_launcher_died_before_finish_is_recorded(daemon: Daemon, root: Path) -> None:
    (root / "in").write_text("in")
    run = Run(root).seal([read_of(root / "in")])
    (job,) = daemon.list_jobs(root)
    assert (job.run_id, job.status, job.input_count) == (run.run_id, types_pb2.JOB_STATUS_OK, 1)


def test_a_fold_that_fails_is_tried_again(daemon: Daemon, root: Path, broken: Path, corpse: int) -> None:
    broken.write_text("error[fold-failed]: cannot fold")
    run = Run(root, launcher_pid=corpse)
    daemon.begin(run)
    wait_for(lambda: "cannot fold" in daemon.log, "the failure")
    assert run.path.exists()
    broken.unlink()
    wait_for(lambda: gone(run), "the second attempt")


def test_a_raw_trace_that_can_never_be_folded_is_put_aside(
    daemon: Daemon, root: Path, broken: Path, corpse: int
) -> None:
    broken.write_text("error[trace-corrupt]: not a trace")
    run = Run(root, launcher_pid=corpse)
    daemon.begin(run)
    wait_for(lambda: gone(run), "the end of the directory")
    assert run.path.with_name(f"corrupt-{run.run_id}").is_dir()
    assert "not a trace" in daemon.log
    assert daemon.list_jobs(root) == []


def test_damage_is_put_aside_and_others_are_recorded(daemon: Daemon, root: Path) -> None:
    damaged_record, damaged_trace, whole = Run(root).seal(), Run(root).seal(), Run(root).seal()
    (damaged_record.path / "record").write_bytes(b"garbage")
    (damaged_trace.path / "folded").write_bytes(b"garbage")
    assert [job.run_id for job in daemon.list_jobs(root)] == [whole.run_id]
    wait_for(lambda: gone(damaged_trace) and gone(damaged_record), "the damaged ones")
    aside = {path.name for path in whole.path.parent.iterdir()}
    assert aside == {f"corrupt-{damaged_record.run_id}", f"corrupt-{damaged_trace.run_id}"}
    assert "is kept as" in daemon.log


def test_what_a_killed_launcher_left_half_made_is_removed(daemon: Daemon, root: Path) -> None:
    half = root / ".roar" / "runs" / "new-01a205f4-34c3-7fb5-8d5a-7d6130532b60"
    half.mkdir()
    past = time.time() - HALF_MADE_S - 1
    os.utime(half, (past, past))
    assert daemon.list_jobs(root) == []
    assert not half.exists()


def test_a_daemon_killed_between_commit_and_removal_records_once(daemon: Daemon, root: Path) -> None:
    run = Run(root).seal()
    kept = {path.name: path.read_bytes() for path in run.path.iterdir()}
    first = daemon.finish(run)
    daemon.end(signal.SIGKILL)
    run.path.mkdir()
    for name, content in kept.items():
        (run.path / name).write_bytes(content)
    daemon.start()
    assert daemon.finish(run).uid == first.uid
    assert len(daemon.list_jobs(root)) == 1
    assert gone(run)


def test_kills_at_any_moment_lose_and_double_nothing(daemon: Daemon, root: Path) -> None:
    acknowledged, all_runs = [], []
    for round_number in range(5):
        for _ in range(6):
            run = Run(root).seal()
            all_runs.append(run)
            if len(all_runs) % 2:
                acknowledged.append(daemon.finish(run).uid)
        # One recording is under way when the daemon dies.
        call = daemon.jobs.FinishJob(all_runs[-1].finish, metadata=daemon.metadata)
        wait_for(lambda: round_number % 2 or call.is_active() is False or gone(all_runs[-1]), "some progress")  # noqa: B023
        daemon.end(signal.SIGKILL)
        daemon.start()
    wait_for(lambda: all(gone(run) for run in all_runs), "all recordings")
    jobs = daemon.list_jobs(root)
    assert len(jobs) == len(all_runs)
    assert {job.run_id for job in jobs} == {run.run_id for run in all_runs}
    assert set(acknowledged) <= {job.uid for job in jobs}
