"""The way to the daemon: found or started, checked, greeted. Everything about grpc in the command line is here."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

# grpc's own log lines are for its developers; what went wrong is said by this module.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
from google.protobuf.message import DecodeError
from roar_proto.v1 import (
    cache_pb2_grpc,
    config_pb2_grpc,
    daemon_pb2,
    daemon_pb2_grpc,
    database_pb2_grpc,
    diff_pb2_grpc,
    files_pb2_grpc,
    ignore_pb2_grpc,
    jobs_pb2_grpc,
    labels_pb2_grpc,
    lineage_pb2_grpc,
    live_pb2_grpc,
    sessions_pb2_grpc,
    tracers_pb2_grpc,
    types_pb2,
)

from roar_client.daemon_mode import DaemonMode, daemon_mode
from roar_client.errors import ClientError, shown
from roar_client.output.text import note
from roar_client.runtime import RuntimeDir, check_peer, find_peer, open_runtime_dir
from roar_client.skew import Age, judge, misfit
from roar_client.starting import is_traced, private_runtime_dir, start_daemon
from roar_client.version import version

Request = TypeVar("Request")
Response = TypeVar("Response")

HELLO_PATIENCE_S = 5.0
STOP_PATIENCE_S = 15.0
_LOOK_AGAIN_S = 0.02
TALK_AFTER_S = 2.0
"""A person at a terminal is told what takes so long after this time."""
_LOST = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN}
"""What grpc itself makes of a connection that breaks; the daemon's own errors have words."""
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
        self.labels = labels_pb2_grpc.LabelServiceStub(channel)
        self.files = files_pb2_grpc.FileServiceStub(channel)
        self.live = live_pb2_grpc.LiveServiceStub(channel)
        self.diff = diff_pb2_grpc.DiffServiceStub(channel)
        self.database = database_pb2_grpc.DatabaseServiceStub(channel)
        self.cache = cache_pb2_grpc.CacheServiceStub(channel)
        self.tracers = tracers_pb2_grpc.TracerServiceStub(channel)
        self.config = config_pb2_grpc.ConfigServiceStub(channel)
        self.ignore = ignore_pb2_grpc.IgnoreServiceStub(channel)
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

    def stream(self, method: grpc.UnaryStreamMultiCallable[Request, Response], request: Request) -> Iterator[Response]:
        """Yields the daemon's answers as they come; hangs up when the caller stops listening. Raises as call()."""
        pending = method(request, metadata=self._metadata)
        try:
            yield from pending
        except grpc.RpcError as error:
            raise error_of(error) from None
        finally:
            pending.cancel()


def _talk_while_waiting(pending: grpc.Future[Response]) -> None:
    """Returns when the answer is there, or after a note that it takes a while."""
    answered = threading.Event()
    pending.add_done_callback(lambda _: answered.set())
    if not answered.wait(TALK_AFTER_S):
        note("still waiting: the daemon compares files with what was recorded")


@contextmanager
def connect(*, start: bool = True) -> Iterator[Daemon]:
    """Yields the daemon of this user, starting one when there is none, and a new one in the place of an older version.

    start: False only looks. Under ROAR_DAEMON=off it is a daemon of this command alone, which ends with it.
    Raises ClientError no-daemon, foreign-daemon, daemon-too-old, daemon-too-new and others.
    """
    mode = daemon_mode()
    if start and mode is DaemonMode.OFF:
        with private_runtime_dir() as runtime, open_connection(runtime) as daemon:
            _greet(daemon)
            yield daemon
        return
    runtime = open_runtime_dir()
    may_start = start and mode is DaemonMode.AUTO
    if check_peer(runtime):
        with open_connection(runtime) as daemon:
            if not may_start or _may_stay(daemon, runtime):
                yield _checked(daemon, runtime)
                return
    elif not may_start:
        raise no_daemon(runtime)
    start_daemon(runtime)
    with open_connection(runtime) as daemon:
        yield _checked(daemon, runtime)


def insist(question: Callable[[Daemon], Response]) -> Response:
    """Returns the answer to a question that changes something; asks once more when the daemon dies over it.

    Only for what may be asked twice. Raises what connect and Daemon.call raise.
    """
    try:
        with connect() as daemon:
            return question(daemon)
    except ClientError as error:
        if error.reason != "daemon-lost":
            raise
    with connect() as daemon:
        return question(daemon)


def _may_stay(daemon: Daemon, runtime: RuntimeDir) -> bool:
    """Returns whether a daemon is there to stay; False: it has just ended, or was older and has been asked to end."""
    try:
        _greet(daemon)
    except ClientError as error:
        if error.reason == "daemon-lost":
            return False
        raise
    if judge(daemon.hello, version()) not in {Age.OLDER, Age.TOO_OLD} or is_traced():
        return True
    stop_daemon(daemon, runtime)
    return False


def _checked(daemon: Daemon, runtime: RuntimeDir) -> Daemon:
    """Returns a daemon that this program understands. Raises ClientError."""
    if not hasattr(daemon, "hello"):
        _greet(daemon)
    if problem := misfit(daemon.hello, version(), shown(runtime.socket)):
        raise problem
    return daemon


def stop_daemon(daemon: Daemon, runtime: RuntimeDir) -> daemon_pb2.StopDaemonResponse:
    """Asks a daemon to end and returns when it is not listening any more; it may still be finishing recordings.

    A daemon of any version understands that. Raises ClientError daemon-silent.
    """
    pid = find_peer(runtime)
    request = daemon_pb2.StopDaemonRequest(client_version=version())
    try:
        answer = daemon.call(daemon.itself.StopDaemon, request, patience=HELLO_PATIENCE_S)
    except ClientError as error:
        # Somebody else's wish was faster.
        if error.reason != "daemon-lost":
            raise
        answer = daemon_pb2.StopDaemonResponse()
    deadline = time.monotonic() + STOP_PATIENCE_S
    # Another client may have started the next one already.
    while pid is not None and find_peer(runtime) == pid:
        if time.monotonic() > deadline:
            cause = f"it still listens after {STOP_PATIENCE_S:.0f} s"
            raise ClientError(
                "daemon-silent", "the daemon does not end", cause=cause, hint="`roar daemon logs` may say why"
            )
        time.sleep(_LOOK_AGAIN_S)
    return answer


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


def _greet(daemon: Daemon) -> None:
    """Learns who the daemon is."""
    oldest, newest = int(daemon_pb2.PROTOCOL_OLDEST), int(daemon_pb2.PROTOCOL_CURRENT)
    request = daemon_pb2.HelloRequest(protocol_min=oldest, protocol_max=newest, client_version=version())
    daemon.hello = daemon.call(daemon.itself.Hello, request, patience=HELLO_PATIENCE_S)


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
    if error.code() in _LOST:
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
