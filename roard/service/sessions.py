"""SessionService: projects, sessions and their graph."""

# ruff: noqa: ARG002, N802 -- names and signatures are those of the contract

from __future__ import annotations

import asyncio

import grpc
from roar_proto.v1 import sessions_pb2 as pb
from roar_proto.v1 import sessions_pb2_grpc

from roard.query import dag, sessions, status
from roard.query.outdated import outdated_steps
from roard.reset import reset_session, use_session
from roard.service.convert import flight_to_pb
from roard.supervision.runs import Runs


class SessionServicer(sessions_pb2_grpc.SessionServiceServicer):
    """See sessions.proto."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def InitProject(
        self, request: pb.InitProjectRequest, context: grpc.ServicerContext
    ) -> pb.InitProjectResponse:
        created = await asyncio.to_thread(self._runs.projects.init, request.project_root)
        project = await self._runs.project(request.project_root)
        active = await asyncio.to_thread(sessions.get_session, project, "")
        return pb.InitProjectResponse(session=active.session, created=created)

    async def GetProjectStatus(
        self, request: pb.GetProjectStatusRequest, context: grpc.ServicerContext
    ) -> pb.GetProjectStatusResponse:
        project = await self._runs.project(request.project_root)
        response = await asyncio.to_thread(status.project_status, project)
        flights = [flight for flight in self._runs.in_flight() if flight.root == project.root]
        response.running.extend(flight_to_pb(flight) for flight in flights)
        return response

    async def ResetSession(
        self, request: pb.ResetSessionRequest, context: grpc.ServicerContext
    ) -> pb.ResetSessionResponse:
        project = await self._runs.project(request.project_root)
        return await asyncio.to_thread(reset_session, project)

    async def GetSession(self, request: pb.GetSessionRequest, context: grpc.ServicerContext) -> pb.GetSessionResponse:
        project = await self._runs.project(request.project_root)
        return await asyncio.to_thread(sessions.get_session, project, request.ref)

    async def ListSessions(
        self, request: pb.ListSessionsRequest, context: grpc.ServicerContext
    ) -> pb.ListSessionsResponse:
        project = await self._runs.project(request.project_root)
        return await asyncio.to_thread(sessions.list_sessions, project)

    async def UseSession(self, request: pb.UseSessionRequest, context: grpc.ServicerContext) -> pb.UseSessionResponse:
        project = await self._runs.project(request.project_root)
        return await asyncio.to_thread(use_session, project, request.ref)

    async def GetDag(self, request: pb.GetDagRequest, context: grpc.ServicerContext) -> pb.GetDagResponse:
        project = await self._runs.project(request.project_root)
        return await asyncio.to_thread(dag.get_dag, project, check_files=request.check_files, ref=request.session)

    async def ListOutdatedSteps(
        self, request: pb.ListOutdatedStepsRequest, context: grpc.ServicerContext
    ) -> pb.ListOutdatedStepsResponse:
        project = await self._runs.project(request.project_root)
        return await asyncio.to_thread(outdated_steps, project, request.steps)
