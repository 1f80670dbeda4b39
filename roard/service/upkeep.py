"""DatabaseService: upkeep of a project's database."""

# ruff: noqa: ARG002, N802 -- names and signatures are those of the contract

from __future__ import annotations

import asyncio

import grpc
from roar_proto.v1 import database_pb2 as pb
from roar_proto.v1 import database_pb2_grpc

from roard.projects import Projects
from roard.upkeep.backup import back_up
from roard.upkeep.check import check_database
from roard.upkeep.clean import clean
from roard.upkeep.info import database_info
from roard.upkeep.restore import restore


class DatabaseServicer(database_pb2_grpc.DatabaseServiceServicer):
    """See database.proto."""

    def __init__(self, projects: Projects) -> None:
        self._projects = projects

    async def GetDatabaseInfo(
        self, request: pb.GetDatabaseInfoRequest, context: grpc.ServicerContext
    ) -> pb.GetDatabaseInfoResponse:
        return await asyncio.to_thread(database_info, self._projects, request.project_root)

    async def CheckDatabase(
        self, request: pb.CheckDatabaseRequest, context: grpc.ServicerContext
    ) -> pb.CheckDatabaseResponse:
        return await asyncio.to_thread(check_database, self._projects, request.project_root)

    async def BackUpDatabase(
        self, request: pb.BackUpDatabaseRequest, context: grpc.ServicerContext
    ) -> pb.BackUpDatabaseResponse:
        backup = await asyncio.to_thread(back_up, request.project_root, request.target, force=request.force)
        return pb.BackUpDatabaseResponse(backup=backup)

    async def CleanDatabase(
        self, request: pb.CleanDatabaseRequest, context: grpc.ServicerContext
    ) -> pb.CleanDatabaseResponse:
        wanted = {"dry_run": request.dry_run, "quarantined": request.quarantined, "empty_trash": request.trash}
        return await asyncio.to_thread(clean, self._projects, request.project_root, **wanted)

    async def RestoreDatabase(
        self, request: pb.RestoreDatabaseRequest, context: grpc.ServicerContext
    ) -> pb.RestoreDatabaseResponse:
        return await asyncio.to_thread(restore, self._projects, request.project_root, request.backup)
