"""JobService: recording jobs, and looking at them."""

# ruff: noqa: ARG002, N802 -- names and signatures are those of the contract

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import grpc
from roar_proto.v1 import jobs_pb2 as pb
from roar_proto.v1 import jobs_pb2_grpc

from roard import pop
from roard.failpoints import failpoint
from roard.query import jobs
from roard.rerun import plan_rerun
from roard.service.convert import progress_to_pb
from roard.supervision.runs import Runs

PROGRESS_S = 0.1


class JobServicer(jobs_pb2_grpc.JobServiceServicer):
    """See jobs.proto."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def BeginJob(self, request: pb.BeginJobRequest, context: grpc.ServicerContext) -> pb.BeginJobResponse:
        plan = await self._runs.begin(request.record)
        return pb.BeginJobResponse(
            tracer=plan.tracer, quiet=plan.quiet, warnings=plan.warnings, tracer_required=plan.tracer_required
        )

    async def HashEarly(self, request: pb.HashEarlyRequest, context: grpc.ServicerContext) -> pb.HashEarlyResponse:
        await self._runs.hash_early(request)
        return pb.HashEarlyResponse()

    async def FinishJob(
        self, request: pb.FinishJobRequest, context: grpc.ServicerContext
    ) -> AsyncIterator[pb.FinishJobResponse]:
        recording = self._runs.finish(request.project_root, request.run_id)
        # The recording goes on when the client does not wait for it.
        while not (await asyncio.wait([recording.task], timeout=PROGRESS_S))[0]:
            yield pb.FinishJobResponse(progress=progress_to_pb(recording.progress))
        job = recording.task.result()
        failpoint("finish.acknowledge")
        yield pb.FinishJobResponse(job=job)

    async def RestoreCached(
        self, request: pb.RestoreCachedRequest, context: grpc.ServicerContext
    ) -> AsyncIterator[pb.RestoreCachedResponse]:
        gone = threading.Event()
        answer = self._runs.spare(request, gone)
        try:
            # Whoever hears nothing for long runs the command.
            while not (await asyncio.wait([answer], timeout=PROGRESS_S))[0]:
                yield pb.RestoreCachedResponse(progress=pb.HashProgress())
            yield answer.result()
        finally:
            gone.set()

    async def GetJob(self, request: pb.GetJobRequest, context: grpc.ServicerContext) -> pb.GetJobResponse:
        project = await self._runs.project(request.project_root)
        return pb.GetJobResponse(job=await asyncio.to_thread(jobs.get_job, project, request.ref))

    async def ListJobs(self, request: pb.ListJobsRequest, context: grpc.ServicerContext) -> pb.ListJobsResponse:
        project = await self._runs.project(request.project_root)
        return await asyncio.to_thread(jobs.list_jobs, project, request)

    async def PlanRerun(self, request: pb.PlanRerunRequest, context: grpc.ServicerContext) -> pb.PlanRerunResponse:
        project = await self._runs.project(request.project_root)
        return await asyncio.to_thread(plan_rerun, project, request)

    async def PopJob(self, request: pb.PopJobRequest, context: grpc.ServicerContext) -> pb.PopJobResponse:
        project = await self._runs.project(request.project_root)
        self._runs.refuse_in_flight(project.root)
        wanted = (self._runs.projects, project.root, request.job_uid)
        return await asyncio.to_thread(pop.pop_job, *wanted, dry_run=request.dry_run)

    async def UndoPop(self, request: pb.UndoPopRequest, context: grpc.ServicerContext) -> pb.UndoPopResponse:
        project = await self._runs.project(request.project_root)
        wanted = (self._runs.projects, project.root, request.job_uid)
        return await asyncio.to_thread(pop.undo_pop, *wanted, dry_run=request.dry_run)

    async def ListPopped(self, request: pb.ListPoppedRequest, context: grpc.ServicerContext) -> pb.ListPoppedResponse:
        project = await self._runs.project(request.project_root)
        return await asyncio.to_thread(pop.list_popped, project)
