"""LiveService: runs in flight, as their processes are now."""

# ruff: noqa: ARG002, N802 -- names and signatures are those of the contract

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
from roar_proto.v1 import live_pb2 as pb
from roar_proto.v1 import live_pb2_grpc

from roard.errors import BadRequest
from roard.service.convert import live_run_to_pb
from roard.supervision.process_tree import look
from roard.supervision.runs import InFlight, Runs

INTERVAL_MS = 1000
SHORTEST_MS, LONGEST_MS = 100, 60_000


class LiveServicer(live_pb2_grpc.LiveServiceServicer):
    """See live.proto."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def ListRuns(self, request: pb.ListRunsRequest, context: grpc.ServicerContext) -> pb.ListRunsResponse:
        if request.project_root:
            await self._runs.project(request.project_root)
        wanted = [flight for flight in self._runs.in_flight() if request.project_root in {b"", flight.root}]
        return pb.ListRunsResponse(runs=await asyncio.to_thread(_look_at, wanted))

    async def WatchRun(
        self, request: pb.WatchRunRequest, context: grpc.ServicerContext
    ) -> AsyncIterator[pb.WatchRunResponse]:
        interval_ms = request.interval_ms or INTERVAL_MS
        if not SHORTEST_MS <= interval_ms <= LONGEST_MS:
            raise BadRequest(f"`interval_ms` is {interval_ms}, not {SHORTEST_MS} to {LONGEST_MS}")
        if request.project_root:
            await self._runs.project(request.project_root)
        flight = self._runs.find(request.project_root, request.run_id, request.launcher_pid)
        while flight and self._runs.has(flight):
            (live,) = await asyncio.to_thread(_look_at, [flight])
            yield pb.WatchRunResponse(run=live)
            await self._runs.wait_for_news(flight, interval_ms / 1000)
        root, run_id = (flight.root, flight.run.run_id) if flight else (request.project_root, request.run_id)
        yield pb.WatchRunResponse(job=await self._runs.recorded(root, run_id))


def _look_at(flights: list[InFlight]) -> list[pb.LiveRun]:
    return [live_run_to_pb(flight, look(flight.record.launcher_pid, flight.run.path)) for flight in flights]
