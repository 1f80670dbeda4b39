"""The way to the daemon: found or started, checked, greeted. Everything about grpc in the command line is here."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

# grpc's own log lines are for its developers; what went wrong is said by this module.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
from google.protobuf.message import DecodeError
from roar_proto.v1 import (
    daemon_pb2,
    daemon_pb2_grpc,
    database_pb2_grpc,
    jobs_pb2_grpc,
    lineage_pb2_grpc,
    sessions_pb2_grpc,
    tracers_pb2_grpc,
    types_pb2,
)

from roar_client.errors import ClientError, shown
from roar_client.output.text import note
from roar_client.runtime import RuntimeDir, check_peer, open_runtime_dir
from roar_client.starting import start_daemon
from roar_client.version import version

Request = TypeVar("Request")
Response = TypeVar("Response")

HELLO_PATIENCE_S = 5.0
TALK_AFTER_S = 2.0
"""A person at a terminal is told what takes so long after this time."""
_OPTIONS = (
    # One job can have more files than the 4 MiB that grpc allows by default.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_http_proxy", 0),
)


class Daemon:
    """A daemon that has answered: its services, and the way to call them."""

    hello: daemon_pb2.HelloResponse
    """Set by the handshake."""

    def __init__(self, channel: grpc.Channel, token: str) -> None:
        self.jobs = jobs_pb2_grpc.JobServiceStub(channel)
        self.sessions = sessions_pb2_grpc.SessionServiceStub(channel)
        self.lineage = lineage_pb2_grpc.LineageServiceStub(channel)
        self.database = database_pb2_grpc.DatabaseServiceStub(channel)
        self.tracers = tracers_pb2_grpc.TracerServiceStub(channel)
        self.itself = daemon_pb2_grpc.DaemonServiceStub(channel)
        self._metadata = (("roar-token", token),)

    def call(
        self,
        method: grpc.UnaryUnaryMultiCallable[Request, Response],
        request: Request,
        *,
        patience: float | None = None,
    ) -> Response:
        """Returns the daemon's answer. patience: seconds; None: as long as it takes, it may be hashing.

        Raises ClientError with the daemon's own words, or daemon-lost when it is gone.
        """
        pending = method.future(request, timeout=patience, metadata=self._metadata)
        try:
            if sys.stderr.isatty():
                _talk_while_waiting(pending)
            return pending.result()
        except grpc.RpcError as error:
            raise error_of(error) from None


def _talk_while_waiting(pending: grpc.Future[Response]) -> None:
    """Returns when the answer is there, or after a note that it takes a while."""
    answered = threading.Event()
    pending.add_done_callback(lambda _: answered.set())
    if not answered.wait(TALK_AFTER_S):
        note("still waiting: the daemon compares files with what was recorded")


@contextmanager
def connect(*, start: bool = True) -> Iterator[Daemon]:
    """Yields the daemon of this user, starting one when there is none.

    start: False only looks. Raises ClientError no-daemon, foreign-daemon, daemon-too-old, daemon-too-new and others.
    """
    runtime = open_runtime_dir()
    if not check_peer(runtime):
        if not start or os.environ.get("ROAR_DAEMON") == "require":
            raise no_daemon(runtime)
        start_daemon(runtime)
    with open_connection(runtime) as daemon:
        daemon.hello = _greet(daemon, runtime)
        yield daemon


@contextmanager
def open_connection(runtime: RuntimeDir) -> Iterator[Daemon]:
    """Yields the daemon without greeting it: for asking one of another version to end."""
    # The address of a socket is a URI.
    target = "unix:" + os.fsdecode(runtime.socket).replace("%", "%25")
    with grpc.insecure_channel(target, options=_OPTIONS) as channel:
        yield Daemon(channel, runtime.token())


def no_daemon(runtime: RuntimeDir) -> ClientError:
    """Returns the error for a daemon that is needed and not there."""
    return ClientError(
        "no-daemon",
        "no daemon is running",
        cause=f"socket: {shown(runtime.socket)}",
        hint="run `roar daemon start`, or leave out ROAR_DAEMON=require to have it started by need",
    )


def _greet(daemon: Daemon, runtime: RuntimeDir) -> daemon_pb2.HelloResponse:
    """Returns who the daemon is. Raises ClientError unless it and this program understand each other."""
    oldest, newest = int(daemon_pb2.PROTOCOL_OLDEST), int(daemon_pb2.PROTOCOL_CURRENT)
    request = daemon_pb2.HelloRequest(protocol_min=oldest, protocol_max=newest, client_version=version())
    hello = daemon.call(daemon.itself.Hello, request, patience=HELLO_PATIENCE_S)
    cause = f"socket: {shown(runtime.socket)} (pid {hello.pid}, roard {hello.version})"
    if hello.protocol_max < oldest:
        raise ClientError(
            "daemon-too-old",
            f"the daemon speaks protocol {hello.protocol_max}, this `roar` needs {oldest} or newer",
            cause=cause,
            hint="run `roar daemon restart` (no recorded job is lost)",
        )
    if hello.protocol_min > newest:
        raise ClientError(
            "daemon-too-new",
            f"the daemon speaks protocol {hello.protocol_min} or newer, this `roar` only {newest}",
            cause=cause,
            hint="upgrade roar in this environment",
        )
    return hello


def error_of(error: grpc.RpcError) -> ClientError:
    """Returns what the daemon said, or what happened to it."""
    # What a call raises is the call itself; only the type does not say so.
    if not isinstance(error, grpc.Call):
        raise TypeError(error)
    details = error.details() or ""
    for key, value in error.trailing_metadata() or ():
        if key == "roar-error-bin":
            try:
                info = types_pb2.ErrorInfo.FromString(value if isinstance(value, bytes) else value.encode())
            except DecodeError:
                break
            return ClientError(info.reason, details, info.cause, info.hint, info.exit_code or 1)
    if error.code() == grpc.StatusCode.UNAVAILABLE:
        return ClientError(
            "daemon-lost", "the daemon went away", cause=details, hint="try again: a new one starts by itself"
        )
    if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
        return ClientError(
            "daemon-silent",
            "the daemon does not answer",
            hint="`roar daemon logs` may say why; `roar daemon restart` loses no recorded job",
        )
    hint = "client and daemon may be of different versions: run `roar daemon restart`"
    return ClientError("daemon-failed", f"the daemon answered {error.code().name}", cause=details, hint=hint)
