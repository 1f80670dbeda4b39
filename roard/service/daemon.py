"""DaemonService: the daemon itself. Opens no database."""

# ruff: noqa: ARG002, N802 -- names and signatures are those of the contract

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc
from roar_proto.v1 import daemon_pb2 as pb
from roar_proto.v1 import daemon_pb2_grpc

from roard.service.convert import flight_to_pb
from roard.supervision.runs import Runs
from roard.version import version


@dataclass(frozen=True)
class Identity:
    """What distinguishes this daemon process from all others."""

    socket: bytes
    log_path: bytes
    start_id: str = field(default_factory=lambda: secrets.token_hex(8))
    started_at_ns: int = field(default_factory=time.time_ns)

    def hello(self) -> pb.HelloResponse:
        """Returns the answer to a greeting."""
        return pb.HelloResponse(
            protocol_min=pb.PROTOCOL_OLDEST,
            protocol_max=pb.PROTOCOL_CURRENT,
            version=version(),
            pid=os.getpid(),
            start_id=self.start_id,
        )


class DaemonServicer(daemon_pb2_grpc.DaemonServiceServicer):
    """See daemon.proto."""

    def __init__(self, identity: Identity, runs: Runs, stop: Callable[[str], None]) -> None:
        self._identity = identity
        self._runs = runs
        self._stop = stop

    async def Hello(self, request: pb.HelloRequest, context: grpc.ServicerContext) -> pb.HelloResponse:
        return self._identity.hello()

    async def GetDaemonStatus(
        self, request: pb.GetDaemonStatusRequest, context: grpc.ServicerContext
    ) -> pb.GetDaemonStatusResponse:
        return pb.GetDaemonStatusResponse(
            daemon=self._identity.hello(),
            started_at_ns=self._identity.started_at_ns,
            rss_bytes=resident_bytes(),
            socket_path=self._identity.socket,
            log_path=self._identity.log_path,
            projects=[project.root for project in self._runs.projects.opened()],
            runs=[flight_to_pb(flight) for flight in self._runs.in_flight()],
        )

    async def StopDaemon(self, request: pb.StopDaemonRequest, context: grpc.ServicerContext) -> pb.StopDaemonResponse:
        self._stop(f"roar {request.client_version}".strip())
        return pb.StopDaemonResponse(runs_in_flight=len(self._runs.in_flight()))


def resident_bytes() -> int:
    """Returns the resident memory of this process; 0 where there is no /proc."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError:
        return 0
