"""LiveService, with run directories written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from daemon_kit import Daemon, Run, refusal, running_daemon
from roar_proto.v1 import live_pb2 as pb


@pytest.fixture(scope="module")
def served() -> Iterator[Daemon]:
    with running_daemon() as daemon:
        yield daemon


@pytest.fixture
def root(served: Daemon, tmp_path: Path) -> Path:
    served.init(tmp_path)
    return tmp_path


def watch(daemon: Daemon, **request: object) -> Iterator[pb.WatchRunResponse]:
    return iter(daemon.live.WatchRun(pb.WatchRunRequest(**request), metadata=daemon.metadata))  # type: ignore[arg-type]


def reason(daemon: Daemon, **request: object) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        list(watch(daemon, **request))
    return refusal(caught.value).reason


def test_a_run_that_was_recorded_before_is_told_as_its_job(served: Daemon, root: Path) -> None:
    run = Run(root).seal()
    job = served.finish(run)
    (told,) = watch(served, project_root=bytes(root), run_id=run.run_id)
    assert told.job == job


def test_the_newest_run_is_told_until_it_is_recorded(served: Daemon, root: Path) -> None:
    older = Run(root, argv=[b"older"], started_at_ns=1)
    run = Run(root, argv=[b"newer"], step_name="fit")
    with older.held(), run.held():
        served.begin(run)
        served.begin(older)
        telling = watch(served, project_root=bytes(root), interval_ms=60_000)
        live = next(telling).run
        assert (list(live.run.argv), live.step_name, live.cwd) == ([b"newer"], "fit", bytes(root))
        job = served.finish(run.seal())
        # Long before the interval is over: the end is news.
        *_, last = telling
        assert last.job.uid == job.uid
        served.finish(older.seal())


def test_runs_of_a_project_or_of_all(served: Daemon, root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    served.init(other)
    run = Run(root)
    with run.held():
        served.begin(run)

        def listed(project_root: bytes) -> list[str]:
            request = pb.ListRunsRequest(project_root=project_root)
            runs = served.live.ListRuns(request, metadata=served.metadata).runs
            return [live.run.run_id for live in runs]

        assert listed(bytes(root)) == [run.run_id]
        assert listed(bytes(other)) == []
        assert run.run_id in listed(b"")
        served.finish(run.seal())


def test_what_cannot_be_watched(served: Daemon, root: Path) -> None:
    here = {"project_root": bytes(root)}
    assert reason(served, **here) == "nothing-runs"
    assert reason(served, launcher_pid=1) == "nothing-runs"
    assert reason(served, **here, run_id="01890000-0000-7000-8000-000000000000") == "no-such-run"
    assert reason(served, **here, interval_ms=99) == "bad-request"
    assert reason(served, project_root=bytes(root / "nowhere")) == "no-project"
