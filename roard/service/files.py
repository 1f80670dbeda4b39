"""FileService: files as names."""

# ruff: noqa: ARG002, N802 -- names and signatures are those of the contract

from __future__ import annotations

import asyncio

import grpc
from roar_proto.v1 import files_pb2 as pb
from roar_proto.v1 import files_pb2_grpc

from roard.query import files
from roard.supervision.runs import Runs


class FileServicer(files_pb2_grpc.FileServiceServicer):
    """See files.proto."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def ListFiles(self, request: pb.ListFilesRequest, context: grpc.ServicerContext) -> pb.ListFilesResponse:
        project = await self._runs.project(request.project_root)
        return await asyncio.to_thread(files.list_files, project, request)
