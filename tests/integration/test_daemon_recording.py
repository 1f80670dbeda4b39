"""Recording through a real daemon: begin, finish, errors, concurrency."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from daemon_kit import Daemon, Run, git, read_of, refusal, running_daemon, wait_for, write_of
from roar_proto.v1 import daemon_pb2, jobs_pb2, lineage_pb2, sessions_pb2, types_pb2

from roard.trace.format import Kind, unseal


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with running_daemon() as running:
        yield running


@pytest.fixture
def project(daemon: Daemon, tmp_path: Path) -> Path:
    """A project in a git repository with one tracked script; `data/` is ignored."""
    root = tmp_path.resolve() / "project"
    (root / "data").mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    (root / ".gitignore").write_text(".roar/\ndata/\n")
    (root / "train.py").write_text("print('train')\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "start")
    assert daemon.init(root).created
    return root


def test_the_daemon_is_ready_with_a_token_and_a_private_socket(daemon: Daemon) -> None:
    assert daemon.said == "ok\n"
    assert (daemon.runtime / "roard.sock").is_socket()
    # A collector comes a little later, if at all.
    names = [path.name for path in daemon.runtime.iterdir() if not path.name.startswith("collector.")]
    assert sorted(names) == ["roard.lock", "roard.sock", "roard.token"]
    assert (daemon.runtime / "roard.sock").stat().st_mode & 0o077 == 0


def test_hello_says_who_answers(daemon: Daemon) -> None:
    hello = daemon.itself.Hello(daemon_pb2.HelloRequest(), metadata=daemon.metadata)
    assert hello.pid == daemon.process.pid
    assert hello.protocol_min <= hello.protocol_max
    assert hello.version


@pytest.mark.parametrize("metadata", [(), (("roar-token", "wrong"),), (("roar-token", ""),)])
def test_without_the_token_nothing_is_answered(daemon: Daemon, metadata: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        daemon.itself.Hello(daemon_pb2.HelloRequest(), metadata=metadata)
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert refusal(caught.value).reason == "bad-token"


def test_a_run_from_begin_to_job(daemon: Daemon, project: Path) -> None:
    run = Run(project, tracer_wanted="ptrace")
    with run.held():
        plan = daemon.begin(run)
        assert (plan.tracer, plan.quiet, len(plan.warnings)) == ("ptrace", False, 0)
        (project / "data" / "out.bin").write_text("out")
        run.seal([read_of(project / "train.py")], [write_of(project / "data" / "out.bin")])
        summary = daemon.finish(run)
    assert (summary.step, summary.output_count, summary.code_count) == ("@1", 1, 1)
    assert summary.git.branch == "main"
    assert not summary.git.dirty
    assert not summary.git.read_late
    assert daemon.job(project).uid == summary.uid
    assert list((project / ".roar" / "runs").iterdir()) == []


def test_the_state_of_git_is_noted_beside_the_run(daemon: Daemon, project: Path) -> None:
    (project / "notes.txt").write_text("new")
    run = Run(project)
    daemon.begin(run)

    def state() -> types_pb2.GitState | None:
        path = run.path / "git"
        noted = unseal(Kind.GIT, types_pb2.GitState, bytes(path), path.read_bytes()) if path.exists() else None
        return noted if noted and noted.HasField("dirty") else None

    noted = wait_for(state, "git status")
    assert noted
    assert (noted.dirty, list(noted.changed_paths), noted.branch) == (True, [b"notes.txt"], "main")
    daemon.finish(run.seal())


def test_the_commit_is_that_of_the_start_even_when_the_job_commits(daemon: Daemon, project: Path) -> None:
    run = Run(project)
    daemon.begin(run)
    before = git_head(project)
    git(project, "commit", "-q", "--allow-empty", "-m", "by the job")
    assert daemon.finish(run.seal()).git.commit == before != git_head(project)


def git_head(root: Path) -> str:
    return (root / ".git" / "refs" / "heads" / "main").read_text().strip()


def test_without_begin_the_commit_is_the_launchers_and_the_check_late(daemon: Daemon, project: Path) -> None:
    job = daemon.finish(Run(project, git=types_pb2.GitState(commit="a" * 40, branch="b")).seal())
    assert (job.git.commit, job.git.branch, job.git.read_late, job.git.dirty) == ("a" * 40, "b", True, False)
    late = daemon.finish(Run(project).seal())
    assert (late.git.commit, late.git.read_late) == (git_head(project), True)


def test_begin_is_idempotent(daemon: Daemon, project: Path) -> None:
    run = Run(project)
    assert daemon.begin(run) == daemon.begin(run)
    status = daemon.itself.GetDaemonStatus(daemon_pb2.GetDaemonStatusRequest(), metadata=daemon.metadata)
    assert [flight.run_id for flight in status.runs] == [run.run_id]
    daemon.finish(run.seal())
    status = daemon.itself.GetDaemonStatus(daemon_pb2.GetDaemonStatusRequest(), metadata=daemon.metadata)
    assert list(status.runs) == []
    assert bytes(project) in status.projects
    assert status.rss_bytes > 1 << 20


def test_two_finishes_at_once_give_one_job(daemon: Daemon, project: Path) -> None:
    for number in range(50):
        (project / "data" / f"{number}.bin").write_bytes(os.urandom(100_000))
    run = Run(project).seal([read_of(project / "data" / f"{number}.bin") for number in range(50)])
    with ThreadPoolExecutor(8) as threads:
        jobs = list(threads.map(lambda _: daemon.finish(run), range(8)))
    assert len({job.uid for job in jobs}) == 1
    assert len(daemon.list_jobs(project)) == 1


def test_sixteen_runs_at_once_are_sixteen_jobs(daemon: Daemon, project: Path) -> None:
    def record(number: int) -> jobs_pb2.Job:
        run = Run(project, argv=[b"python", b"train.py", b"%d" % number])
        with run.held():
            daemon.begin(run)
            out = project / "data" / f"out{chr(97 + number)}.bin"
            out.write_text(str(number))
            return daemon.finish(run.seal(writes=[write_of(out)]))

    with ThreadPoolExecutor(16) as threads:
        jobs = list(threads.map(record, range(16)))
    assert len({job.uid for job in jobs}) == 16
    assert sorted(int(job.step[1:]) for job in jobs) == list(range(1, 17))
    assert all(job.output_count == 1 and job.outputs[0].hash for job in jobs)


def test_progress_is_streamed_and_the_job_comes_last(daemon: Daemon, project: Path) -> None:
    big = project / "data" / "big.bin"
    with big.open("wb") as file:
        # Sparse: takes no room, and is read at the speed of memory. Large enough for a word while it is.
        file.truncate(1 << 31)
    run = Run(project).seal([read_of(big)])
    *before, last = daemon.jobs.FinishJob(run.finish, metadata=daemon.metadata)
    assert last.job.uid
    assert before
    assert all(message.WhichOneof("event") == "progress" for message in before)
    done = [message.progress.bytes_done for message in before]
    assert done == sorted(done)
    assert before[-1].progress.bytes_total == 1 << 31


def test_a_client_that_goes_away_does_not_stop_the_recording(daemon: Daemon, project: Path) -> None:
    big = project / "data" / "big.bin"
    with big.open("wb") as file:
        file.truncate(1 << 29)
    run = Run(project).seal([read_of(big)])
    call = daemon.jobs.FinishJob(run.finish, metadata=daemon.metadata)
    next(iter(call))
    call.cancel()
    wait_for(lambda: not run.path.exists(), "the recording")
    assert daemon.job(project).run_id == run.run_id


@pytest.mark.parametrize(
    ("config", "reason"), [("nonsense = 1\n", "bad-config"), ('tracer.default = "dtrace"\n', "bad-config")]
)
def test_a_broken_configuration_refuses_to_begin(daemon: Daemon, project: Path, config: str, reason: str) -> None:
    (project / ".roar" / "config.toml").write_text(config)
    with pytest.raises(grpc.RpcError) as caught:
        daemon.begin(Run(project))
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert refusal(caught.value).reason == reason
    assert "config.toml:1" in (caught.value.details() or "")


def test_configuration_decides_about_the_summary(daemon: Daemon, project: Path) -> None:
    (project / ".roar" / "config.toml").write_text("output.quiet = true\n")
    assert daemon.begin(Run(project)).quiet


def test_an_unknown_tracer_is_a_usage_error(daemon: Daemon, project: Path) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        daemon.begin(Run(project, tracer_wanted="magic"))
    assert refusal(caught.value).reason == "unknown-tracer"
    assert refusal(caught.value).exit_code == 2


def test_a_directory_without_a_project_is_refused(daemon: Daemon, tmp_path: Path) -> None:
    root = tmp_path.resolve()
    (root / ".roar").mkdir()
    with pytest.raises(grpc.RpcError) as caught:
        daemon.begin(Run(root))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert refusal(caught.value).reason == "no-project"


@pytest.mark.parametrize("root", [b"", b"relative", b"/a/../b", b"/nul\0"])
def test_a_root_that_is_no_resolved_path_is_refused(daemon: Daemon, root: bytes) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        daemon.sessions.InitProject(sessions_pb2.InitProjectRequest(project_root=root), metadata=daemon.metadata)
    assert refusal(caught.value).reason == "bad-request"


def test_finishing_what_is_not_sealed_or_unknown_or_damaged(daemon: Daemon, project: Path) -> None:
    def reason_of(run: Run) -> str:
        with pytest.raises(grpc.RpcError) as caught:
            daemon.finish(run)
        return refusal(caught.value).reason

    unsealed = Run(project)
    with unsealed.held():
        daemon.begin(unsealed)
        assert reason_of(unsealed) == "run-not-sealed"
        daemon.finish(unsealed.seal())
    unknown = Run(project)
    for path in unknown.path.iterdir():
        path.unlink()
    unknown.path.rmdir()
    assert reason_of(unknown) == "no-such-run"
    damaged = Run(project).seal()
    (damaged.path / "folded").write_bytes((damaged.path / "folded").read_bytes()[:-1])
    assert reason_of(damaged) == "trace-corrupt"
    assert (damaged.path.parent / f"corrupt-{damaged.run_id}" / "record").exists()


def test_a_project_that_was_removed_under_the_daemon_is_no_project(daemon: Daemon, project: Path) -> None:
    daemon.finish(Run(project).seal())
    (project / ".roar").rename(project / "roar-was-here")
    with pytest.raises(grpc.RpcError) as caught:
        daemon.job(project)
    assert refusal(caught.value).reason == "no-project"
    (project / "roar-was-here").rename(project / ".roar")
    assert daemon.job(project).sequence == 1


def test_what_was_recorded_can_be_asked_for(daemon: Daemon, project: Path) -> None:
    (project / "data" / "out.bin").write_text("out")
    job = daemon.finish(Run(project).seal([read_of(project / "train.py")], [write_of(project / "data" / "out.bin")]))
    root = bytes(project)
    dag = daemon.sessions.GetDag(sessions_pb2.GetDagRequest(project_root=root), metadata=daemon.metadata)
    assert [step.step for step in dag.steps] == ["@1"]
    status = daemon.sessions.GetProjectStatus(
        sessions_pb2.GetProjectStatusRequest(project_root=root),
        metadata=daemon.metadata,
    )
    assert [file.path for file in status.files] == [b"data/out.bin"]
    session = daemon.sessions.GetSession(sessions_pb2.GetSessionRequest(project_root=root), metadata=daemon.metadata)
    assert session.session.hash == job.session_hash
    found = daemon.lineage.Resolve(
        lineage_pb2.ResolveRequest(ref=job.uid.encode(), cwd=bytes(project), project_root=root),
        metadata=daemon.metadata,
    )
    assert found.job.uid == job.uid
    lineage = daemon.lineage.GetLineage(
        lineage_pb2.GetLineageRequest(ref=b"data/out.bin", cwd=bytes(project), project_root=root),
        metadata=daemon.metadata,
    )
    assert [upstream.uid for upstream in lineage.jobs] == [job.uid]
    reset = daemon.sessions.ResetSession(sessions_pb2.ResetSessionRequest(project_root=root), metadata=daemon.metadata)
    assert reset.opened.number == reset.closed.number + 1


def test_the_log_has_no_error_that_nobody_expects(daemon: Daemon) -> None:
    assert "request failed" not in daemon.log
    assert "background work failed" not in daemon.log


def test_a_run_of_a_project_that_another_daemon_has_open_is_recorded_by_that_one(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    with running_daemon() as first, running_daemon() as second:
        first.init(root)
        run = Run(root)
        with run.held():
            # A command never waits for the other daemon.
            assert second.begin(run).tracer
        (root / "out").write_text("out")
        run.seal(writes=[write_of(root / "out")])
        with pytest.raises(grpc.RpcError) as caught:
            second.finish(run)
        info = refusal(caught.value)
        assert (info.reason, f"pid {first.process.pid} on" in info.cause) == ("project-in-use", True)
        wait_for(lambda: not run.path.exists(), "the daemon that has the project open")
        assert first.job(root).run_id == run.run_id


def test_a_daemon_gives_a_project_back_that_nobody_asks_about(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    with running_daemon({"ROAR_PROJECT_IDLE_S": "0"}) as first, running_daemon() as second:
        first.init(root)
        wait_for(
            lambda: (
                not first.itself.GetDaemonStatus(daemon_pb2.GetDaemonStatusRequest(), metadata=first.metadata).projects
            ),
            "the project to be closed",
        )
        assert second.finish(Run(root).seal()).step == "@1"
