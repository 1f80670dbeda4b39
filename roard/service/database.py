"""The services that need the database, loaded together after the daemon has begun to answer."""

from __future__ import annotations

from typing import Any, cast

import grpc
from roar_proto.v1 import (
    cache_pb2_grpc,
    completion_pb2_grpc,
    database_pb2_grpc,
    diff_pb2_grpc,
    files_pb2_grpc,
    ignore_pb2_grpc,
    jobs_pb2_grpc,
    labels_pb2_grpc,
    lineage_pb2_grpc,
    live_pb2_grpc,
    sessions_pb2_grpc,
)

import roard.query.finished  # the first run must not wait for these two
import roard.record  # noqa: F401
from roard.service.cache import CacheServicer
from roard.service.completion import CompletionServicer
from roard.service.diff import DiffServicer
from roard.service.files import FileServicer
from roard.service.ignore import IgnoreServicer
from roard.service.jobs import JobServicer
from roard.service.labels import LabelServicer
from roard.service.lineage import LineageServicer
from roard.service.live import LiveServicer
from roard.service.sessions import SessionServicer
from roard.service.upkeep import DatabaseServicer
from roard.supervision.runs import Runs


class _Serving:
    """A server that serves already: grpc then takes services as a whole, but not the methods one by one."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self.add_generic_rpc_handlers = server.add_generic_rpc_handlers

    def add_registered_method_handlers(self, service: str, handlers: Any) -> None:
        """Leaves out what is a shortcut only."""


def add_services(server: grpc.aio.Server, runs: Runs) -> None:
    """Adds them to a server that serves already."""
    serving = cast("grpc.aio.Server", _Serving(server))
    jobs_pb2_grpc.add_JobServiceServicer_to_server(JobServicer(runs), serving)
    sessions_pb2_grpc.add_SessionServiceServicer_to_server(SessionServicer(runs), serving)
    lineage_pb2_grpc.add_LineageServiceServicer_to_server(LineageServicer(runs), serving)
    files_pb2_grpc.add_FileServiceServicer_to_server(FileServicer(runs), serving)
    live_pb2_grpc.add_LiveServiceServicer_to_server(LiveServicer(runs), serving)
    diff_pb2_grpc.add_DiffServiceServicer_to_server(DiffServicer(runs), serving)
    cache_pb2_grpc.add_CacheServiceServicer_to_server(CacheServicer(runs), serving)
    database_pb2_grpc.add_DatabaseServiceServicer_to_server(DatabaseServicer(runs.projects), serving)
    labels_pb2_grpc.add_LabelServiceServicer_to_server(LabelServicer(runs), serving)
    completion_pb2_grpc.add_CompletionServiceServicer_to_server(CompletionServicer(runs), serving)
    ignore_pb2_grpc.add_IgnoreServiceServicer_to_server(IgnoreServicer(), serving)
