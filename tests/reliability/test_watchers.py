"""A client that does not read, or never says what it wants, costs others nothing and the daemon little."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon_kit import Daemon, Run, resident, running_daemon, wait_for
from figures import figure
from raw_http2 import connect, opening, request
from roar_proto.v1 import daemon_pb2, jobs_pb2

MIB = 1 << 20
WATCHERS = 30
IDLE_STREAMS = 200


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with running_daemon() as made:
        yield made


def assert_others_are_served(daemon: Daemon, root: Path) -> None:
    """Asks and records as somebody who knows nothing of the others; prints how long that took."""
    times = []
    for _ in range(figure(50, 1000)):
        began = time.monotonic()
        request = jobs_pb2.ListJobsRequest(project_root=bytes(root), limit=1)
        daemon.jobs.ListJobs(request, metadata=daemon.metadata, timeout=30)
        times.append(time.monotonic() - began)
    cuts = statistics.quantiles(times, n=100)
    print(f"ListJobs: median {cuts[49] * 1000:.1f} ms, p99 {cuts[98] * 1000:.1f} ms")
    recorded = len(daemon.list_jobs(root))
    daemon.finish(Run(root).seal())
    assert len(daemon.list_jobs(root)) == recorded + 1


def test_watchers_that_never_read_an_answer(daemon: Daemon, tmp_path: Path) -> None:
    daemon.init(tmp_path)
    for number in range(220):
        daemon.finish(Run(tmp_path, argv=(b"python", b"%d" % number, b"x" * 10_000)).seal())
    wanted = jobs_pb2.ListJobsRequest(project_root=bytes(tmp_path), limit=10_000)
    size = daemon.jobs.ListJobs(wanted, metadata=daemon.metadata).ByteSize()
    assert size > 2 * MIB
    _, token = daemon.metadata[0]
    asking = opening("/roar.v1.JobService/ListJobs", token, window=0) + request(wanted.SerializeToString())
    before = resident(daemon)
    with contextlib.ExitStack() as watchers:
        for _ in range(WATCHERS):
            watchers.enter_context(connect(daemon.runtime / "roard.sock", asking))
        assert_others_are_served(daemon, tmp_path)
        # An answer that nobody takes is held once as messages and once as bytes; none is made again and again.
        assert resident(daemon) - before < 4 * WATCHERS * size
    assert_others_are_served(daemon, tmp_path)


def test_two_hundred_calls_that_never_say_what_they_want(daemon: Daemon, tmp_path: Path) -> None:
    daemon.init(tmp_path)
    _, token = daemon.metadata[0]
    before = resident(daemon)
    with contextlib.ExitStack() as streams:
        for number in range(IDLE_STREAMS):
            method = ("JobService/FinishJob", "JobService/ListJobs", "DaemonService/Hello")[number % 3]
            streams.enter_context(connect(daemon.runtime / "roard.sock", opening(f"/roar.v1.{method}", token)))
        assert_others_are_served(daemon, tmp_path)
        assert resident(daemon) - before < 64 * MIB
        # They do not keep it from ending either.
        daemon.itself.StopDaemon(daemon_pb2.StopDaemonRequest(), metadata=daemon.metadata)
        wait_for(lambda: daemon.process.poll() is not None, "the end of the daemon")
    assert daemon.process.returncode == 0
