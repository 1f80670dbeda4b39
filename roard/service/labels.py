"""LabelService: what people say about sessions, jobs and artifacts."""

# ruff: noqa: ARG002, N802 -- names and signatures are those of the contract

from __future__ import annotations

import asyncio

import grpc
from roar_proto.v1 import labels_pb2 as pb
from roar_proto.v1 import labels_pb2_grpc

from roard import labels
from roard.supervision.runs import Runs


class LabelServicer(labels_pb2_grpc.LabelServiceServicer):
    """See labels.proto."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def SetLabels(self, request: pb.SetLabelsRequest, context: grpc.ServicerContext) -> pb.SetLabelsResponse:
        project = await self._runs.project(request.project_root)
        return await asyncio.to_thread(labels.set_labels, project, request.target, request.assignments)

    async def UnsetLabels(
        self, request: pb.UnsetLabelsRequest, context: grpc.ServicerContext
    ) -> pb.UnsetLabelsResponse:
        project = await self._runs.project(request.project_root)
        return await asyncio.to_thread(labels.unset_labels, project, request.target, request.keys)

    async def CopyLabels(self, request: pb.CopyLabelsRequest, context: grpc.ServicerContext) -> pb.CopyLabelsResponse:
        project = await self._runs.project(request.project_root)
        return await asyncio.to_thread(labels.copy_labels, project, request.source, request.target)

    async def GetLabels(self, request: pb.GetLabelsRequest, context: grpc.ServicerContext) -> pb.GetLabelsResponse:
        project = await self._runs.project(request.project_root)
        return await asyncio.to_thread(labels.get_labels, project, request.target)
