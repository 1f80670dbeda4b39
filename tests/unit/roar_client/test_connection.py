"""What the command line makes of a daemon that is odd: of another version, silent, gone."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from roar_proto.v1 import daemon_pb2 as pb
from roar_proto.v1 import daemon_pb2_grpc, types_pb2

from roar_client import connection
from roar_client.connection import connect
from roar_client.errors import ClientError


class Odd(daemon_pb2_grpc.DaemonServiceServicer):
    """A daemon that answers a greeting as told."""

    def __init__(self, answer: pb.HelloResponse | types_pb2.ErrorInfo | None) -> None:
        self.answer = answer
        self.metadata: dict[str, str | bytes] = {}

    def Hello(self, _request: pb.HelloRequest, context: grpc.ServicerContext) -> pb.HelloResponse:  # noqa: N802
        self.metadata = dict(context.invocation_metadata())
        if isinstance(self.answer, types_pb2.ErrorInfo):
            context.set_trailing_metadata((("roar-error-bin", self.answer.SerializeToString()),))
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you")
        if self.answer is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "never heard of it")
        assert isinstance(self.answer, pb.HelloResponse)
        return self.answer

    def GetDaemonStatus(  # noqa: N802
        self, _request: pb.GetDaemonStatusRequest, context: grpc.ServicerContext
    ) -> pb.GetDaemonStatusResponse:
        raise NotImplementedError

    def StopDaemon(self, _request: pb.StopDaemonRequest, context: grpc.ServicerContext) -> pb.StopDaemonResponse:  # noqa: N802
        raise NotImplementedError


@contextmanager
def serving(folder: Path, daemon: Odd) -> Iterator[None]:
    server = grpc.server(futures.ThreadPoolExecutor(1))
    daemon_pb2_grpc.add_DaemonServiceServicer_to_server(daemon, server)
    target = str(folder / "roard.sock").replace("%", "%25")
    server.add_insecure_port(f"unix:{target}")
    server.start()
    try:
        yield
    finally:
        server.stop(None).wait()


def error_of(folder: Path, daemon: Odd, monkeypatch: pytest.MonkeyPatch) -> ClientError:
    monkeypatch.setenv("ROAR_RUNTIME_DIR", str(folder))
    with serving(folder, daemon), pytest.raises(ClientError) as caught, connect(start=False):
        pass
    return caught.value


def hello(oldest: int, newest: int) -> pb.HelloResponse:
    return pb.HelloResponse(protocol_min=oldest, protocol_max=newest, version="9.9", pid=812)


def test_the_token_goes_with_every_call_and_odd_characters_in_the_path_do_no_harm(
    short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = short_dir / "a b%20c"
    folder.mkdir(mode=0o700)
    (folder / "roard.token").write_text("secret\n")
    monkeypatch.setenv("ROAR_RUNTIME_DIR", str(folder))
    daemon = Odd(hello(1, 1))
    with serving(folder, daemon), connect(start=False) as connected:
        assert connected.hello.pid == 812
    assert daemon.metadata["roar-token"] == "secret"


def test_an_older_daemon_is_to_be_restarted(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = error_of(short_dir, Odd(hello(0, 0)), monkeypatch)
    assert (error.reason, error.exit_code) == ("daemon-too-old", 1)
    assert error.cause == f"socket: {short_dir}/roard.sock (pid 812, roard 9.9)"
    assert "roar daemon restart" in error.hint


def test_a_newer_daemon_asks_for_a_newer_client(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert error_of(short_dir, Odd(hello(99, 100)), monkeypatch).reason == "daemon-too-new"


def test_the_daemons_own_words_are_passed_on(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = types_pb2.ErrorInfo(reason="bad-token", cause="it changed", hint="try again", exit_code=7)
    error = error_of(short_dir, Odd(words), monkeypatch)
    assert (error.reason, error.fact, error.cause, error.hint) == (
        "bad-token",
        "who are you",
        "it changed",
        "try again",
    )
    assert error.exit_code == 7


def test_a_status_without_words_is_still_explained(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = error_of(short_dir, Odd(None), monkeypatch)
    assert (error.reason, error.fact) == ("daemon-failed", "the daemon answered UNIMPLEMENTED")


def test_a_daemon_that_does_not_answer_is_not_waited_for(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HELLO_PATIENCE_S", 0.2)
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(short_dir / "roard.sock"))
        deaf.listen()
        monkeypatch.setenv("ROAR_RUNTIME_DIR", str(short_dir))
        with pytest.raises(ClientError) as caught, connect(start=False):
            pass
    assert caught.value.reason in {"daemon-silent", "daemon-lost"}


def test_no_daemon_is_started_when_one_is_required(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROAR_RUNTIME_DIR", str(short_dir))
    monkeypatch.setenv("ROAR_DAEMON", "require")
    with pytest.raises(ClientError) as caught, connect():
        pass
    assert (caught.value.reason, caught.value.exit_code) == ("no-daemon", 1)
    assert sorted(path.name for path in short_dir.iterdir()) == []
