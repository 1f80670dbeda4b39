"""Follows a run, whatever becomes of the daemon meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

from roar_proto.v1 import live_pb2

from roar_client.connection import connect
from roar_client.errors import ClientError

_GONE = {"daemon-lost", "daemon-stopping"}


def follow(request: live_pb2.WatchRunRequest) -> Iterator[live_pb2.WatchRunResponse]:
    """Yields what is told of a run, the job last. A daemon that ends is replaced, and the next one asked.

    Raises ClientError nothing-runs, no-such-run, and what connect() raises.
    """
    recorded = False
    while not recorded:
        told = False
        try:
            with connect() as daemon:
                for event in daemon.stream(daemon.live.WatchRun, request):
                    told, recorded = True, event.HasField("job")
                    if event.HasField("run"):
                        # The next daemon is asked for this one, which may be recorded by then.
                        request.run_id, request.project_root = event.run.run.run_id, event.run.run.project_root
                    yield event
        except ClientError as error:
            # Not again and again: a daemon that dies of the question would be started for ever.
            if error.reason not in _GONE or not told:
                raise
