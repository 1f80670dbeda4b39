"""record_job(): from a run directory to rows, once and for all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from blake3 import blake3
from daemon_kit import Run, git, read_of, write_of
from roar_proto.v1 import jobs_pb2, run_pb2, types_pb2
from sqlalchemy import event, text

from roard.errors import ConfigError, RunConflict, RunNotFound
from roard.hashing.digest import Progress
from roard.model import RecordedJob
from roard.project import Project
from roard.projects import Projects
from roard.query.finished import finished_job
from roard.query.jobs import load_job
from roard.query.sessions import get_session
from roard.record import record_job, status_of
from roard.reset import reset_session
from roard.trace.rundir import RunDir


def record(project: Project, run: Run) -> RecordedJob:
    return record_job(project, RunDir(bytes(run.path)), Progress())


def recorded(project: Project, run: Run) -> jobs_pb2.Job:
    """Records a run and returns its job in full."""
    job = record(project, run)
    with project.store.read() as session:
        return load_job(session, job.id)


def root_of(project: Project) -> Path:
    return Path(os.fsdecode(project.root))


def paths(files: Sequence[jobs_pb2.JobFile]) -> list[bytes]:
    return [file.path for file in files]


def produce(
    project: Project,
    *names: str,
    argv: Sequence[bytes] = (b"python", b"train.py"),
    kind: types_pb2.JobKind.ValueType = types_pb2.JOB_KIND_RUN,
    step_name: str = "",
    again_of: str = "",
) -> jobs_pb2.Job:
    """Writes files and records a job that wrote them."""
    root = root_of(project)
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"content of {name}")
    run = Run(root, argv=argv, kind=kind, step_name=step_name, again_of=again_of)
    return recorded(project, run.seal(writes=[write_of(root / name) for name in names]))


def test_a_run_becomes_a_job_with_everything(opened_in_git: Project, repository: Path) -> None:
    root = repository
    (root / "data" / "in.csv").write_text("1,2")
    (root / "data" / "out.bin").write_bytes(b"")
    run = Run(root, argv=[b"python", b"train.py", b"--name", b"a b\xff"], cwd=root / "data")
    run.seal(
        [read_of(root / "data" / "in.csv"), read_of(root / "train.py", executed=True), read_of(Path("/etc/passwd"))],
        [write_of(root / "data" / "out.bin")],
        exit_code=3,
        warnings=[types_pb2.Warning(code="io-uring", message="not seen")],
        processes=[types_pb2.Process(pid=5, exe=b"/bin/sh", argv=[b"sh", b"x y"], ended_ns=2, exit_code=0)],
    )
    job = recorded(opened_in_git, run)
    assert (job.step, job.step_name, job.run_id, job.sequence) == ("@1", "train.py", run.run_id, 1)
    assert list(job.argv) == [b"python", b"train.py", b"--name", b"a b\xff"]
    assert (job.cwd, job.status, job.exit_code) == (b"data", types_pb2.JOB_STATUS_FAILED, 3)
    (read,) = job.inputs
    assert (read.path, read.hash, read.size) == (b"data/in.csv", blake3(b"1,2").digest(), 3)
    (written,) = job.outputs
    assert (written.path, written.hash, written.created) == (b"data/out.bin", blake3(b"").digest(), True)
    assert paths(job.code) == [b"train.py"]
    assert job.code[0].executed
    assert [(file.path, file.rule) for file in job.dropped] == [(b"/etc/passwd", "system")]
    assert [list(process.argv) for process in job.processes] == [[b"sh", b"x y"]]
    assert [warning.code for warning in job.warnings] == ["io-uring"]
    assert (job.hostname, job.user, job.tracer) == ("box", "ada", "ptrace")
    assert len(job.uid) == 8
    assert not run.path.exists()


def test_a_retry_returns_the_same_job_and_clears_the_directory(opened: Project) -> None:
    run = Run(root_of(opened)).seal()
    kept = {path.name: path.read_bytes() for path in run.path.iterdir()}
    first = record(opened, run)
    run.path.mkdir()
    for name, content in kept.items():
        (run.path / name).write_bytes(content)
    assert record(opened, run) == first
    assert not run.path.exists()


def test_other_content_under_a_recorded_id_is_a_conflict(opened: Project) -> None:
    run = Run(root_of(opened)).seal()
    record(opened, run)
    with pytest.raises(RunConflict):
        record(opened, Run(root_of(opened), run_id=run.run_id).seal(exit_code=1))


def test_a_broken_configuration_keeps_the_run(opened: Project) -> None:
    run = Run(root_of(opened)).seal()
    (root_of(opened) / ".roar" / "config.toml").write_text("nonsense = 1")
    with pytest.raises(ConfigError):
        record(opened, run)
    assert run.path.exists()
    (root_of(opened) / ".roar" / "config.toml").unlink()
    assert record(opened, run).id == 1


def test_a_failure_in_the_transaction_stores_nothing_and_keeps_the_run(
    opened: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root_of(opened) / "x").write_text("x")
    run = Run(root_of(opened)).seal([read_of(root_of(opened) / "x")])
    with monkeypatch.context() as patch:
        patch.setattr("roard.db.sessions.update_hash", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            record(opened, run)
    with opened.store.read() as session:
        for table in ("jobs", "steps", "artifacts", "inputs"):
            assert session.scalar(text(f"SELECT count(*) FROM {table}")) == 0
    assert record(opened, run).id == 1


def test_an_unknown_run_is_not_found(opened: Project) -> None:
    run = Run(root_of(opened))
    RunDir(bytes(run.path)).remove()
    with pytest.raises(RunNotFound):
        record(opened, run)


def test_an_in_place_update_reads_the_old_content_and_writes_the_new(opened: Project) -> None:
    root = root_of(opened)
    made = produce(opened, "state.json", argv=[b"./make"])
    before = read_of(root / "state.json", replaced=True)
    (root / "state.json").write_text("updated")
    run = Run(root, argv=[b"./update"]).seal([before], [write_of(root / "state.json", created=False)])
    updated = recorded(opened, run)
    assert updated.inputs[0].hash == made.outputs[0].hash
    assert updated.outputs[0].hash == blake3(b"updated").digest()
    assert not updated.outputs[0].created


def test_content_that_nobody_knew_before_the_job_changed_it_has_no_hash(opened: Project) -> None:
    root = root_of(opened)
    (root / "state.json").write_text("by hand")
    before = read_of(root / "state.json", replaced=True)
    (root / "state.json").write_text("updated")
    job = recorded(opened, Run(root).seal([before], [write_of(root / "state.json", created=False)]))
    assert (job.inputs[0].hash, job.inputs[0].hash_note) == (b"", "changed-by-job")
    assert list(job.warnings) == []


def test_an_output_that_changed_before_it_was_hashed_is_said(opened: Project) -> None:
    root = root_of(opened)
    (root / "out").write_text("1")
    run = Run(root).seal(writes=[write_of(root / "out")])
    (root / "out").write_text("22")
    job = recorded(opened, run)
    assert (job.outputs[0].hash, job.outputs[0].hash_note) == (b"", "changed-after")
    assert [warning.code for warning in job.warnings] == ["content-unknown"]


def test_the_same_bytes_are_one_artifact(opened: Project) -> None:
    root = root_of(opened)
    for name in ("a", "b", "c"):
        (root / name).write_text("same")
    record(opened, Run(root).seal([read_of(root / "a"), read_of(root / "b")], [write_of(root / "c")]))
    with opened.store.read() as session:
        assert session.scalar(text("SELECT count(*) FROM artifacts")) == 1


def test_paths_outside_stay_absolute(opened: Project, tmp_path: Path) -> None:
    (root_of(opened) / ".roar" / "config.toml").write_text("filters.ignore_tmp_files = false")
    outside = tmp_path.resolve() / "data.csv"
    outside.write_text("1")
    job = recorded(opened, Run(root_of(opened), cwd=tmp_path.resolve()).seal([read_of(outside)]))
    assert paths(job.inputs) == [bytes(outside)]
    assert job.cwd == bytes(tmp_path.resolve())


class TestSteps:
    def test_the_same_command_is_a_new_job_of_the_same_step(self, opened: Project) -> None:
        first, second = produce(opened, "model.pt"), produce(opened, "model.pt")
        assert (first.step, second.step) == ("@1", "@1")
        assert first.uid != second.uid

    def test_another_script_is_the_next_step(self, opened: Project) -> None:
        produce(opened, "a", argv=[b"python", b"a.py"])
        assert produce(opened, "b", argv=[b"python", b"b.py"]).step == "@2"

    def test_the_same_script_with_other_outputs_is_another_step(self, opened: Project) -> None:
        produce(opened, "a.pt", argv=[b"python", b"train.py", b"a"])
        assert produce(opened, "b.pt", argv=[b"python", b"train.py", b"b"]).step == "@2"
        assert produce(opened, "a.pt", argv=[b"python", b"train.py", b"a", b"--more"]).step == "@1"

    def test_a_failed_run_without_outputs_belongs_to_the_last_step_of_its_shape(self, opened: Project) -> None:
        produce(opened, "a.pt")
        failed = recorded(opened, Run(root_of(opened)).seal(exit_code=1))
        assert failed.step == "@1"
        assert produce(opened, "a.pt").step == "@1"

    def test_builds_count_apart(self, opened: Project) -> None:
        assert produce(opened, "a.o", kind=types_pb2.JOB_KIND_BUILD).step == "@B1"
        assert produce(opened, "a.o").step == "@1"

    def test_a_name_finds_its_step_and_nothing_else(self, opened: Project) -> None:
        assert produce(opened, "a.pt").step == "@1"
        named = produce(opened, "a.pt", step_name="fit")
        assert (named.step, named.step_name) == ("@2", "fit")
        assert produce(opened, "b.pt", argv=[b"bash", b"x.sh"], step_name="fit").step == "@2"
        assert produce(opened, "a.pt").step == "@1"

    def test_the_command_of_a_named_step_is_of_that_step_without_the_name_too(self, opened: Project) -> None:
        assert produce(opened, "a.pt", step_name="fit").step == "@1"
        assert produce(opened, "a.pt").step == "@1"
        assert produce(opened, "a.pt", argv=[b"python", b"train.py", b"--other"]).step == "@2"
        assert produce(opened, "a.pt", step_name="other").step == "@3"

    def test_a_step_that_is_run_again_stays_the_same_whatever_it_writes(self, opened: Project) -> None:
        first = produce(opened, "a.pt", argv=[b"python", b"train.py", b"a"])
        produce(opened, "b.pt", argv=[b"python", b"train.py", b"b"])
        other = [b"python", b"train.py", b"c"]
        assert produce(opened, "c.pt", argv=other, again_of=first.uid).step == "@1"
        reset_session(opened)
        assert produce(opened, "b.pt", argv=[b"python", b"train.py", b"b"]).step == "@1"
        assert produce(opened, "c.pt", argv=other, again_of=first.uid).step == "@2", "that step is of another session"

    def test_a_failed_run_without_outputs_belongs_to_the_step_of_the_same_command(self, opened: Project) -> None:
        produce(opened, "a.pt", argv=[b"python", b"train.py", b"a"])
        produce(opened, "b.pt", argv=[b"python", b"train.py", b"b"])
        assert produce(opened, argv=[b"python", b"train.py", b"a"]).step == "@1"

    def test_after_a_reset_numbers_begin_anew_and_old_jobs_stay(self, opened: Project) -> None:
        old = produce(opened, "a.pt")
        reset = reset_session(opened)
        assert (reset.closed.jobs, reset.opened.jobs) == (1, 0)
        assert not reset.closed.active
        assert produce(opened, "a.pt").step == "@1"
        with opened.store.read() as session:
            assert load_job(session, 1).uid == old.uid

    def test_resetting_an_empty_session_makes_none(self, opened: Project) -> None:
        assert reset_session(opened).opened.number == reset_session(opened).opened.number == 1


class TestSessionHash:
    @staticmethod
    def pipeline(projects: Projects, root: Path, *, script: str = "print(1)") -> str:
        root.mkdir()
        projects.init(bytes(root))
        project = projects.open(bytes(root))
        (root / "in.csv").write_text("1")
        (root / "train.py").write_text(script)
        (root / "out.bin").write_text("2")
        run = Run(root, argv=[b"python", bytes(root / "train.py")])
        run.seal([read_of(root / "in.csv"), read_of(root / "train.py")], [write_of(root / "out.bin")])
        record(project, run)
        return get_session(project, "").session.hash

    def test_it_is_that_of_the_content_and_not_of_time_or_folder(self, projects: Projects, tmp_path: Path) -> None:
        base = tmp_path.resolve()
        assert self.pipeline(projects, base / "here") == self.pipeline(projects, base / "there")

    def test_other_content_has_another_hash(self, projects: Projects, tmp_path: Path) -> None:
        base = tmp_path.resolve()
        assert self.pipeline(projects, base / "a") != self.pipeline(projects, base / "b", script="print(2)")

    def test_compiled_python_does_not_count(self, opened: Project) -> None:
        produce(opened, "out.bin")
        before = get_session(opened, "").session.hash
        produce(opened, "out.bin", "__pycache__/train.cpython-311.pyc")
        assert get_session(opened, "").session.hash == before

    def test_running_a_step_again_with_the_same_result_changes_nothing(self, opened: Project) -> None:
        produce(opened, "out.bin")
        before = get_session(opened, "").session.hash
        produce(opened, "out.bin")
        assert get_session(opened, "").session.hash == before


@pytest.mark.parametrize(
    ("folded", "status"),
    [
        (run_pb2.FoldedTrace(exit_code=0), "ok"),
        (run_pb2.FoldedTrace(exit_code=0, interrupted_by=2), "ok"),
        (run_pb2.FoldedTrace(exit_code=1), "failed"),
        (run_pb2.FoldedTrace(exit_code=130, interrupted_by=2), "interrupted"),
        (run_pb2.FoldedTrace(exit_signal=2), "interrupted"),
        (run_pb2.FoldedTrace(exit_signal=9), "interrupted"),
        (run_pb2.FoldedTrace(exit_signal=15), "interrupted"),
        (run_pb2.FoldedTrace(exit_signal=11), "failed"),
        (run_pb2.FoldedTrace(exit_signal=6), "failed"),
        (run_pb2.FoldedTrace(exit_code=1, interrupted_by=28), "failed"),
        (run_pb2.FoldedTrace(launcher_lost=True), "interrupted"),
        (run_pb2.FoldedTrace(launcher_lost=True, exit_code=0), "interrupted"),
        (run_pb2.FoldedTrace(), "failed"),
    ],
)
def test_how_a_run_ended(folded: run_pb2.FoldedTrace, status: str) -> None:
    assert status_of(folded) == status


def test_a_lost_launcher_is_said(opened: Project) -> None:
    run = Run(root_of(opened)).seal(launcher_lost=True)
    job = recorded(opened, run)
    assert job.status == types_pb2.JOB_STATUS_INTERRUPTED
    assert [warning.code for warning in job.warnings] == ["launcher-lost"]


def test_a_git_state_without_an_answer_about_changes_is_said(opened: Project) -> None:
    job = recorded(opened, Run(root_of(opened), git=types_pb2.GitState(commit="a" * 40)).seal())
    assert job.git.commit == "a" * 40
    assert [warning.code for warning in job.warnings] == ["git-dirty-unknown"]


def test_a_repository_that_cannot_be_read_is_said_and_all_is_data(opened_in_git: Project, repository: Path) -> None:
    (repository / ".git" / "index").write_text("garbage")
    job = recorded(opened_in_git, Run(repository).seal([read_of(repository / "train.py")]))
    assert [warning.code for warning in job.warnings] == ["git-unreadable"]
    assert paths(job.inputs) == [b"train.py"]


def test_a_summary_holds_twenty_files_and_all_counts(opened: Project) -> None:
    root = root_of(opened)
    names = [f"{number:03}.bin" for number in range(30)]
    job = produce(opened, *names)
    with opened.store.read() as session:
        job_id = session.scalar(text("SELECT id FROM jobs"))
    summary = finished_job(opened, job_id or 0)
    assert paths(summary.outputs) == [name.encode() for name in names[:20]]
    assert (summary.output_count, summary.output_bytes) == (30, sum((root / name).stat().st_size for name in names))
    assert summary.uid == job.uid


def test_the_number_of_statements_does_not_grow_with_the_files(opened: Project) -> None:
    def statements(count: int) -> int:
        seen: list[str] = []
        root = root_of(opened)
        for number in range(count):
            (root / f"{number}.bin").write_text(str(number))
        run = Run(root).seal([read_of(root / f"{number}.bin") for number in range(count)])
        engine = opened.store._write_engine
        listener = lambda _conn, _cursor, statement, *_: seen.append(statement)  # noqa: E731
        event.listen(engine, "before_cursor_execute", listener)
        record(opened, run)
        event.remove(engine, "before_cursor_execute", listener)
        return len(seen)

    statements(1)
    assert statements(2) == statements(200) <= 17


def test_a_nested_repository_does_not_disturb(opened_in_git: Project, repository: Path) -> None:
    nested = repository / "vendor"
    nested.mkdir()
    git(nested, "init", "-q")
    (nested / "lib.py").write_text("")
    job = recorded(opened_in_git, Run(repository).seal([read_of(nested / "lib.py")]))
    assert paths(job.code) == [b"vendor/lib.py"]
