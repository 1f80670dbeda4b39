"""CompletionService: what a word on the command line may become."""

# ruff: noqa: ARG002, N802 -- names and signatures are those of the contract

from __future__ import annotations

import asyncio

import grpc
from roar_proto.v1 import completion_pb2 as pb
from roar_proto.v1 import completion_pb2_grpc

from roard.config import KEYS
from roard.config_file import read_config
from roard.projects import check_project
from roard.query.candidates import references, session_hashes
from roard.supervision.runs import Runs

_RECORDED = {pb.COMPLETION_KIND_REFERENCE: references, pb.COMPLETION_KIND_SESSION: session_hashes}


class CompletionServicer(completion_pb2_grpc.CompletionServiceServicer):
    """See completion.proto."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def Complete(self, request: pb.CompleteRequest, context: grpc.ServicerContext) -> pb.CompleteResponse:
        if find := _RECORDED.get(request.kind):
            project = await asyncio.to_thread(self._runs.projects.open, request.project_root)
            return pb.CompleteResponse(candidates=await asyncio.to_thread(find, project, request.prefix))
        check_project(request.project_root)
        candidates = [pb.Candidate(text=key.name, about=key.about) for key in KEYS]
        if request.kind == pb.COMPLETION_KIND_VARIABLE:
            config = await asyncio.to_thread(read_config, request.project_root)
            candidates = [pb.Candidate(text=name) for name in config.variables]
        return pb.CompleteResponse(candidates=[one for one in candidates if one.text.startswith(request.prefix)])
