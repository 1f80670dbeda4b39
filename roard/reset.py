"""Which session is the active one."""

from __future__ import annotations

import time

from roar_proto.v1 import sessions_pb2 as pb

from roard.db import sessions
from roard.project import Project
from roard.query.find import find_session
from roard.query.sessions import load_session


def reset_session(project: Project) -> pb.ResetSessionResponse:
    """Makes an empty session the active one, unless the active one is empty; the other stays reachable."""
    with project.store.write() as session:
        closed, opened = sessions.reset(session, time.time_ns())
        return pb.ResetSessionResponse(closed=load_session(session, closed), opened=load_session(session, opened))


def use_session(project: Project, ref: str) -> pb.UseSessionResponse:
    """Makes an old session the active one again; the other stays reachable.

    Raises SessionNotFound, BadReference, AmbiguousReference.
    """
    with project.store.write() as session:
        wanted = find_session(session, ref.encode("utf-8", "surrogateescape"))
        closed = sessions.use(session, wanted, time.time_ns())
        return pb.UseSessionResponse(closed=load_session(session, closed), opened=load_session(session, wanted))
