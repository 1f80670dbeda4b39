"""CacheService: the kept outputs of a project."""

# ruff: noqa: ARG002, N802 -- names and signatures are those of the contract

from __future__ import annotations

import asyncio

import grpc
from roar_proto.v1 import cache_pb2 as pb
from roar_proto.v1 import cache_pb2_grpc

from roard.cached import trim_cache
from roard.supervision.runs import Runs


class CacheServicer(cache_pb2_grpc.CacheServiceServicer):
    """See cache.proto."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def TrimCache(self, request: pb.TrimCacheRequest, context: grpc.ServicerContext) -> pb.TrimCacheResponse:
        project = await self._runs.project(request.project_root)
        return await asyncio.to_thread(trim_cache, project, dry_run=request.dry_run)
