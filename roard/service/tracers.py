"""TracerService: which backends work here, and which is used. Opens no database."""

# ruff: noqa: ARG002, N802 -- names and signatures are those of the contract

from __future__ import annotations

import asyncio

import grpc
from roar_proto.v1 import tracers_pb2 as pb
from roar_proto.v1 import tracers_pb2_grpc

from roard.config import TRACERS, Settings
from roard.config_edit import set_value
from roard.config_file import load_settings
from roard.errors import UnknownTracer
from roard.projects import check_project
from roard.service.convert import tracer_to_pb
from roard.supervision.plan import BACKENDS, choose
from roard.supervision.tracers import Tracers


class TracerServicer(tracers_pb2_grpc.TracerServiceServicer):
    """See tracers.proto."""

    def __init__(self, tracers: Tracers) -> None:
        self._tracers = tracers

    async def GetTracers(self, request: pb.GetTracersRequest, context: grpc.ServicerContext) -> pb.GetTracersResponse:
        settings = await asyncio.to_thread(_settings, request.project_root) if request.project_root else Settings()
        known = await self._tracers.all_known()
        return pb.GetTracersResponse(
            tracers=[tracer_to_pb(name, known) for name in BACKENDS],
            default_tracer=settings.tracer_default,
            fallback=settings.tracer_fallback,
            chosen=choose(settings.tracer_default, known),
        )

    async def CheckTracers(
        self, request: pb.CheckTracersRequest, context: grpc.ServicerContext
    ) -> pb.CheckTracersResponse:
        names = [request.name] if request.name else BACKENDS
        await self._tracers.probe(names)
        return pb.CheckTracersResponse(tracers=[tracer_to_pb(name, self._tracers.known()) for name in names])

    async def SetDefaultTracer(
        self, request: pb.SetDefaultTracerRequest, context: grpc.ServicerContext
    ) -> pb.SetDefaultTracerResponse:
        if request.name not in TRACERS:
            raise UnknownTracer(request.name, TRACERS)
        check_project(request.project_root)
        path = await asyncio.to_thread(set_value, request.project_root, "tracer.default", request.name)
        return pb.SetDefaultTracerResponse(path=path, chosen=choose(request.name, await self._tracers.all_known()))


def _settings(root: bytes) -> Settings:
    check_project(root)
    return load_settings(root)
