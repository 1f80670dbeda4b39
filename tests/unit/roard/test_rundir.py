"""Run directories on disk."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from daemon_kit import Run, read_of
from roar_proto.v1 import run_pb2, types_pb2

from roard.errors import RunNotFound, RunNotSealed, TraceCorrupt
from roard.trace.format import Kind, write_sealed
from roard.trace.rundir import HALF_MADE_S, RunDir, list_runs, read_run, run_dir


def directory(run: Run) -> RunDir:
    return RunDir(bytes(run.path))


def make_old(path: Path) -> None:
    past = time.time() - HALF_MADE_S - 1
    os.utime(path, (past, past))


@pytest.mark.parametrize(
    "run_id", ["", "x", "../../etc", "01a205f4-34c3-7fb5-8d5a", "01A205F4-34C3-7FB5-8D5A-7D6130532B60"]
)
def test_what_is_no_run_id_names_no_directory(run_id: str) -> None:
    with pytest.raises(RunNotFound):
        run_dir(b"/p/.roar/runs", run_id)


def test_a_run_is_held_while_somebody_has_its_lock(tmp_path: Path) -> None:
    run = Run(tmp_path)
    with run.held():
        assert directory(run).is_held()
    assert not directory(run).is_held()


def test_reading_needs_a_seal(tmp_path: Path) -> None:
    run = Run(tmp_path)
    with pytest.raises(RunNotSealed):
        read_run(directory(run))
    run.seal(exit_code=3)
    assert read_run(directory(run)).folded.exit_code == 3


def test_a_directory_that_is_gone_is_not_found(tmp_path: Path) -> None:
    run = Run(tmp_path).seal()
    directory(run).remove()
    with pytest.raises(RunNotFound):
        read_run(directory(run))


def test_the_record_of_another_run_is_corrupt(tmp_path: Path) -> None:
    run, other = Run(tmp_path).seal(), Run(tmp_path)
    (run.path / "record").write_bytes((other.path / "record").read_bytes())
    with pytest.raises(TraceCorrupt):
        read_run(directory(run))


def test_the_same_path_twice_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    run = Run(tmp_path).seal([read_of(tmp_path / "x"), read_of(tmp_path / "x")])
    with pytest.raises(TraceCorrupt, match="twice"):
        read_run(directory(run))


@pytest.mark.parametrize("field", ["size", "duration_ns", "events_lost"])
def test_numbers_that_no_database_holds_are_corrupt(tmp_path: Path, field: str) -> None:
    folded = run_pb2.FoldedTrace()
    if field != "size":
        setattr(folded, field, 2**64 - 1)
    if field == "size":
        folded.writes.add(path=b"/x", stat=types_pb2.StatKey(size=2**63))
    run = Run(tmp_path)
    write_sealed(bytes(run.path / "folded"), Kind.FOLDED, folded)
    with pytest.raises(TraceCorrupt, match="impossible"):
        read_run(directory(run))


def test_git_comes_from_the_daemon_before_the_launcher(tmp_path: Path) -> None:
    run = Run(tmp_path, git=types_pb2.GitState(commit="a" * 40)).seal()
    assert read_run(directory(run)).git == types_pb2.GitState(commit="a" * 40)
    state = types_pb2.GitState(commit="b" * 40, dirty=True)
    write_sealed(bytes(run.path / "git"), Kind.GIT, state)
    assert read_run(directory(run)).git == state


def test_a_damaged_git_state_costs_the_state_and_not_the_job(tmp_path: Path) -> None:
    run = Run(tmp_path).seal()
    (run.path / "git").write_bytes(b"garbage")
    sealed = read_run(directory(run))
    assert sealed.git is None
    assert "git" in sealed.git_problem


def test_listing_is_by_age_and_clears_what_is_done(tmp_path: Path) -> None:
    runs = tmp_path / ".roar" / "runs"
    first = Run(tmp_path, run_id="01a205f4-34c3-7fb5-8d5a-7d6130532b60")
    second = Run(tmp_path, run_id="01a205f4-34c4-7fb5-8d5a-7d6130532b60")
    (runs / f"done-{first.run_id}").mkdir()
    (runs / f"corrupt-{first.run_id}").mkdir()
    (runs / "notes.txt").write_text("mine")
    assert [run.run_id for run in list_runs(bytes(runs))] == [first.run_id, second.run_id]
    assert {path.name for path in runs.iterdir()} == {
        first.run_id,
        second.run_id,
        f"corrupt-{first.run_id}",
        "notes.txt",
    }


@pytest.mark.parametrize("name", ["new-01a205f4-34c3-7fb5-8d5a-7d6130532b60", "01a205f4-34c3-7fb5-8d5a-7d6130532b60"])
def test_what_a_killed_launcher_left_half_made_goes_after_a_minute(tmp_path: Path, name: str) -> None:
    half = tmp_path / name
    half.mkdir()
    assert list_runs(bytes(tmp_path)) == []
    assert half.exists()
    make_old(half)
    assert list_runs(bytes(tmp_path)) == []
    assert not half.exists()


def test_no_runs_directory_means_no_runs(tmp_path: Path) -> None:
    assert list_runs(bytes(tmp_path / "none")) == []


def test_a_quarantined_run_is_never_listed_again(tmp_path: Path) -> None:
    run = Run(tmp_path)
    aside = directory(run).quarantine()
    assert list_runs(os.path.dirname(aside)) == []
    assert os.path.exists(os.path.join(aside, b"record"))
