"""What is known of one thing."""

from __future__ import annotations

from collections.abc import Sequence

from roar_proto.v1 import lineage_pb2

from roar_client.connection import Daemon
from roar_client.output.graph import lineage_lines
from roar_client.output.jobs import artifact_lines, job_lines, session_lines
from roar_client.output.text import Line
from roar_client.tui.views import Target


def describe(daemon: Daemon, root: bytes, target: Target) -> Sequence[Line]:
    """Returns everything about a thing. Raises ClientError."""
    if not target.ref:
        return target.lines
    request = lineage_pb2.ResolveRequest(project_root=root, cwd=root, ref=target.ref, kind=target.kind)
    answer = daemon.call(daemon.lineage.Resolve, request)
    match answer.WhichOneof("target"):
        case "job":
            return job_lines(answer.job, dropped=False, processes=False)
        case "session":
            return session_lines(answer.session)
        case _:
            return artifact_lines(answer.artifact)


def has_lineage(target: Target) -> bool:
    """Returns whether a thing was made from others."""
    return target.kind in {lineage_pb2.REF_KIND_JOB, lineage_pb2.REF_KIND_PATH}


def trace(daemon: Daemon, root: bytes, target: Target) -> Sequence[Line]:
    """Returns what a job or file was made from. Raises ClientError."""
    request = lineage_pb2.GetLineageRequest(project_root=root, cwd=root, ref=target.ref, kind=target.kind)
    return lineage_lines(daemon.call(daemon.lineage.GetLineage, request))
