"""IgnoreService: which files count, by the user's own word. Opens no database."""

# ruff: noqa: ARG002, N802 -- names and signatures are those of the contract

from __future__ import annotations

import asyncio
import os

import grpc
from roar_proto.v1 import ignore_pb2 as pb
from roar_proto.v1 import ignore_pb2_grpc

from roard.ignore import FILE, Rule, read_rules
from roard.ignore_edit import Change, change_rules
from roard.projects import check_project


class IgnoreServicer(ignore_pb2_grpc.IgnoreServiceServicer):
    """See ignore.proto."""

    async def ListIgnoreRules(
        self, request: pb.ListIgnoreRulesRequest, context: grpc.ServicerContext
    ) -> pb.ListIgnoreRulesResponse:
        check_project(request.project_root)
        known = await asyncio.to_thread(read_rules, request.project_root)
        return pb.ListIgnoreRulesResponse(
            path=os.path.join(request.project_root, FILE),
            rules=map(_rule, known.rules),
            mistakes=map(_rule, known.mistakes),
        )

    async def ChangeIgnoreRules(
        self, request: pb.ChangeIgnoreRulesRequest, context: grpc.ServicerContext
    ) -> pb.ChangeIgnoreRulesResponse:
        check_project(request.project_root)
        root, targets = request.project_root, list(request.targets)
        changes = await asyncio.to_thread(change_rules, root, request.cwd, targets, track=request.track)
        return pb.ChangeIgnoreRulesResponse(path=os.path.join(root, FILE), changes=map(_change, changes))


def _rule(rule: Rule) -> pb.IgnoreRule:
    return pb.IgnoreRule(line=rule.line, pattern=rule.text, tracks=rule.tracks)


def _change(change: Change) -> pb.IgnoreChange:
    return pb.IgnoreChange(
        target=change.target,
        added=_rule(change.added) if change.added else None,
        removed=change.removed,
        known=_rule(change.known) if change.known else None,
    )
