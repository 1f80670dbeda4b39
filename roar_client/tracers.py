"""Backends, as the daemon knows them."""

from __future__ import annotations

from collections.abc import Sequence

from roar_proto.v1 import tracers_pb2

from roar_client.connection import Daemon


def check_tracers(daemon: Daemon, name: str = "") -> Sequence[tracers_pb2.Tracer]:
    """Returns the outcome of a probe that is made now; name: of one backend, empty: of all."""
    return daemon.call(daemon.tracers.CheckTracers, tracers_pb2.CheckTracersRequest(name=name)).tracers
