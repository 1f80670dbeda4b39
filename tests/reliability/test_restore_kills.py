"""A daemon is killed while outputs are kept or restored: each file is the old or the new one, the next run goes on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import grpc
import pytest
from crash_kit import make_root
from daemon_kit import Daemon, Run, read_of, running_daemon, wait_for, write_of
from roar_proto.v1 import jobs_pb2

from roard.failpoints import NAMES
from roard.run_cache.surroundings import project_key, surroundings_of

AT_KEEPING = ("record.hashed", "objects.staged", "objects.renamed", "record.kept", "commit.done")
AT_RESTORING = tuple(name for name in NAMES if name.startswith("restore."))
ENVIRONMENT = [b"A=1"]
OUTPUTS = ("one", "two", "three")


def made(root: Path) -> Run:
    """Returns a run that has ended, whose three outputs are to be kept."""
    (root / "in").write_text("in")
    for name in OUTPUTS:
        (root / name).write_text(f"new {name}")
    surroundings = surroundings_of(ENVIRONMENT, project_key(bytes(root / ".roar" / "objects")))
    run = Run(root, argv=[b"job"], surroundings=surroundings)
    return run.seal([read_of(root / "in")], [write_of(root / name) for name in OUTPUTS])


def ask(daemon: Daemon, root: Path) -> jobs_pb2.RestoreCachedResponse:
    """Asks whether the same command must be run."""
    *_, last = daemon.jobs.RestoreCached(question(root), metadata=daemon.metadata)
    return last


def question(root: Path) -> jobs_pb2.RestoreCachedRequest:
    """Returns what a launcher asks before it makes a run directory."""
    run = Run(root, argv=[b"job"])
    shutil.rmtree(run.path)
    return jobs_pb2.RestoreCachedRequest(record=run.record, environment=ENVIRONMENT)


def restart(daemon: Daemon) -> None:
    wait_for(lambda: daemon.process.poll() is not None, "the kill")
    daemon.environment.pop("ROAR_FAILPOINTS")
    daemon.start()


@pytest.mark.parametrize("name", AT_KEEPING)
def test_a_kill_while_keeping_loses_no_job_and_no_later_run_is_wrong(tmp_path: Path, name: str) -> None:
    root = make_root(tmp_path.resolve() / "project")
    with running_daemon({"ROAR_FAILPOINTS": f"{name}=kill@1"}) as daemon:
        run = made(root)
        with pytest.raises((grpc.RpcError, OSError)):
            daemon.finish(run)
        restart(daemon)
        wait_for(lambda: len(daemon.list_jobs(root)) == 1 and not run.path.exists(), "the recording")
        (root / "two").unlink()
        assert ask(daemon, root).restored.files == 1
        assert (root / "two").read_text() == "new two"


@pytest.mark.parametrize("kill", [*(f"{name}=kill@1" for name in AT_RESTORING), "restore.renamed=kill@2"])
def test_a_kill_while_restoring_leaves_old_or_new_files_and_is_finished_by_the_next_run(
    tmp_path: Path, kill: str
) -> None:
    root = make_root(tmp_path.resolve() / "project")
    with running_daemon({"ROAR_FAILPOINTS": kill}) as daemon:
        daemon.finish(made(root))
        for output in OUTPUTS:
            (root / output).write_text("old")
        with pytest.raises((grpc.RpcError, OSError)):
            ask(daemon, root)
        restart(daemon)
        assert all((root / output).read_text() in {"old", f"new {output}"} for output in OUTPUTS)
        before = len(daemon.list_jobs(root))
        assert before == (2 if kill.startswith("restore.done") else 1)
        assert ask(daemon, root).restored.job.cached_from == daemon.list_jobs(root)[-1].uid
        assert [(root / output).read_text() for output in OUTPUTS] == [f"new {output}" for output in OUTPUTS]
        assert len(daemon.list_jobs(root)) == before + 1


def test_a_client_that_went_away_gets_nothing_restored(tmp_path: Path) -> None:
    root = make_root(tmp_path.resolve() / "project")
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    with running_daemon({"ROAR_FAILPOINTS": f"restore.checked=pause:{gate}"}) as daemon:
        daemon.finish(made(root))
        (root / "one").write_text("of the command that runs meanwhile")
        answers = daemon.jobs.RestoreCached(question(root), metadata=daemon.metadata)
        next(iter(answers))
        answers.cancel()
        # The daemon waits for this; when it has answered another question, it has heard of the end of the first.
        with gate.open("wb"):
            daemon.list_jobs(root)
        wait_for((root / ".roar/objects/new").exists, "the copies")
        wait_for(lambda: not list((root / ".roar/objects/new").iterdir()), "their end")
        assert len(daemon.list_jobs(root)) == 1
        assert (root / "one").read_text() == "of the command that runs meanwhile"
