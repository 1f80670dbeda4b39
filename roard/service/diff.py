"""DiffService: what two jobs, files or sessions differ in."""

# ruff: noqa: ARG002, N802 -- names and signatures are those of the contract

from __future__ import annotations

import asyncio

import grpc
from roar_proto.v1 import diff_pb2 as pb
from roar_proto.v1 import diff_pb2_grpc

from roard.query import diff
from roard.supervision.runs import Runs


class DiffServicer(diff_pb2_grpc.DiffServiceServicer):
    """See diff.proto."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def Diff(self, request: pb.DiffRequest, context: grpc.ServicerContext) -> pb.DiffResponse:
        project = await self._runs.project(request.project_root)
        return await asyncio.to_thread(diff.diff, project, request)
