"""LineageService: artifacts and where they come from."""

# ruff: noqa: ARG002, N802 -- names and signatures are those of the contract

from __future__ import annotations

import asyncio

import grpc
from roar_proto.v1 import lineage_pb2 as pb
from roar_proto.v1 import lineage_pb2_grpc

from roard.query import inputs, lineage, resolve, search
from roard.supervision.runs import Runs


class LineageServicer(lineage_pb2_grpc.LineageServiceServicer):
    """See lineage.proto."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def Resolve(self, request: pb.ResolveRequest, context: grpc.ServicerContext) -> pb.ResolveResponse:
        project = await self._runs.project(request.project_root)
        return await asyncio.to_thread(resolve.resolve, project, request)

    async def GetLineage(self, request: pb.GetLineageRequest, context: grpc.ServicerContext) -> pb.GetLineageResponse:
        project = await self._runs.project(request.project_root)
        return await asyncio.to_thread(lineage.get_lineage, project, request)

    async def GetInputs(self, request: pb.GetInputsRequest, context: grpc.ServicerContext) -> pb.GetInputsResponse:
        project = await self._runs.project(request.project_root)
        return await asyncio.to_thread(inputs.get_inputs, project, request)

    async def Search(self, request: pb.SearchRequest, context: grpc.ServicerContext) -> pb.SearchResponse:
        project = await self._runs.project(request.project_root)
        return await asyncio.to_thread(search.search, project, request)
