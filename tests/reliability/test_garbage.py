"""Whatever is said to the daemon, it answers with an error or hangs up, and serves the next caller as before."""

from __future__ import annotations

import contextlib
import os
import random
import select
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import pytest
from daemon_kit import Daemon, Run, refusal, resident, running_daemon
from figures import LONG, figure, seeded
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from raw_http2 import DATA, END_STREAM, PREFACE, connect, frame, message, opening
from roar_proto.v1 import (
    daemon_pb2,
    files_pb2,
    jobs_pb2,
    lineage_pb2,
    live_pb2,
    run_pb2,
    sessions_pb2,
    tracers_pb2,
    types_pb2,
)

MIB = 1 << 20
GROWTH_MAX = 50 * MIB
CONTRACT: tuple[ModuleType, ...] = (
    daemon_pb2,
    files_pb2,
    jobs_pb2,
    lineage_pb2,
    live_pb2,
    sessions_pb2,
    tracers_pb2,
)
HARMLESS_ONLY = {"StopDaemon", "CheckTracers"}
"""Not fuzzed: the one ends the daemon, as it should, the other runs real programs for every call."""
LONGEST = b"/" + b"d" * 255 + b"/" + b"f" * 3838


def methods() -> Iterator[MethodDescriptor]:
    for module in CONTRACT:
        for service in module.DESCRIPTOR.services_by_name.values():
            yield from (method for method in service.methods if method.name not in HARMLESS_ONLY)


@pytest.fixture(scope="module")
def served() -> Iterator[Daemon]:
    with running_daemon() as made:
        yield made


@pytest.fixture
def root(served: Daemon, tmp_path: Path) -> Path:
    served.init(tmp_path)
    served.finish(Run(tmp_path).seal())
    return tmp_path


def assert_as_before(daemon: Daemon, root: Path, memory: int, growth: int = GROWTH_MAX) -> None:
    """Asserts that the daemon is the same process, has not grown, records, and met nothing it did not expect."""
    assert daemon.process.poll() is None
    assert resident(daemon) - memory < growth
    before = len(daemon.list_jobs(root))
    daemon.finish(Run(root).seal())
    assert len(daemon.list_jobs(root)) == before + 1
    assert "Traceback" not in daemon.log, daemon.log[-3000:]


def call_raw(daemon: Daemon, method: MethodDescriptor, body: bytes) -> grpc.StatusCode:
    """Calls a method with bytes of our own for a request, and returns the status of the answer."""
    assert method.containing_service is not None
    path = f"/{method.containing_service.full_name}/{method.name}"
    # Of every method the answer is taken as a stream: on the wire, one message is one too.
    calling: grpc.UnaryStreamMultiCallable[bytes, bytes] = daemon.channel.unary_stream(path, bytes, bytes)
    answer = calling(body, metadata=daemon.metadata, timeout=60)
    with contextlib.suppress(grpc.RpcError):
        list(answer)
    return answer.code()


def filled(kind: type[Message], source: random.Random, root: Path, depth: int = 0) -> Message:
    """Returns a message of which every field has, or has not, a value that may or may not make sense."""
    made = kind()
    field: Any
    for field in made.DESCRIPTOR.fields:
        if source.random() < 0.25 or depth > 4:
            continue
        if field.is_repeated:
            for _ in range(source.choice((1, 2, 40))):
                _add(made, field, source, root, depth)
        elif field.message_type:
            nested = getattr(made, field.name)
            nested.CopyFrom(filled(type(nested), source, root, depth + 1))
        else:
            setattr(made, field.name, _value(field, source, root))
    return made


def _add(made: Message, field: Any, source: random.Random, root: Path, depth: int) -> None:
    values = getattr(made, field.name)
    if field.message_type:
        values.add().CopyFrom(filled(GetMessageClass(field.message_type), source, root, depth + 1))
    else:
        values.append(_value(field, source, root))


def _value(field: Any, source: random.Random, root: Path) -> Any:
    if field.enum_type:
        return source.choice(field.enum_type.values).number
    if field.type == FieldDescriptor.TYPE_BYTES:
        # No directory that exists but the project's: a project must not be made anywhere else.
        return source.choice((bytes(root), b"", b"\0", b"../..", b"\xff\xfe", LONGEST, source.randbytes(20)))
    if field.type == FieldDescriptor.TYPE_STRING:
        return source.choice(("", "@1", "@-1", "a" * 8, "\0", "\u202e", "%s{}", "(", "x" * 10_000))
    if field.type == FieldDescriptor.TYPE_BOOL:
        return source.random() < 0.5
    signed = field.type in {FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64}
    large = 2**31 - 1 if field.type in {FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_UINT32} else 2**63 - 1
    return source.choice((0, 1, 20, large, -1 if signed else large))


def mangled(body: bytes, source: random.Random) -> bytes:
    """Returns a message with a few bits flipped, or a part of it missing or doubled."""
    changed = bytearray(body or b"\x0a\x03abc")
    for _ in range(source.randint(1, 4)):
        changed[source.randrange(len(changed))] ^= 1 << source.randrange(8)
    at = source.randrange(len(changed))
    return bytes(source.choice((changed, changed[:at], changed[at:] + changed[:at] * 2)))


@pytest.mark.timeout(figure(600, 1200))
def test_messages_that_make_no_sense(served: Daemon, root: Path) -> None:
    source = seeded("messages")
    all_methods = list(methods())
    memory = resident(served)
    for _ in rounds(600):
        method = source.choice(all_methods)
        body = filled(GetMessageClass(method.input_type), source, root).SerializeToString()
        # A shortened path may be that of a directory that exists, where a project would then be made.
        if method.name != "InitProject" and source.random() < 0.5:
            body = mangled(body, source)
        code = call_raw(served, method, body)
        # INTERNAL is grpc's own word for bytes that are no message; what the daemon did not expect is in its log.
        assert code is not grpc.StatusCode.UNAVAILABLE, (method.full_name, body)
    assert_as_before(served, root, memory)


def rounds(count: int) -> Iterator[int]:
    """Yields so often under `make test`, and for ten minutes under `make test-long`."""
    end = time.monotonic() + (600 if LONG else 3600)
    number = 0
    while time.monotonic() < end and (LONG or number < count):
        yield number
        number += 1


def noise(source: random.Random, _token: str) -> bytes:
    return source.randbytes(source.choice((1, 9, 24, 4000)))


def broken_frames(source: random.Random, token: str) -> bytes:
    frames = [frame(source.randrange(256), source.randrange(256), source.randrange(8), noise(source, token))]
    return PREFACE + b"".join(frames * source.choice((1, 50)))


def frame_without_end(source: random.Random, _token: str) -> bytes:
    return PREFACE + (2**24 - 1).to_bytes(3, "big") + bytes([source.randrange(10), 0]) + b"\0\0\0\1" + bytes(5000)


def claims_a_gibibyte(_source: random.Random, token: str) -> bytes:
    return opening("/roar.v1.JobService/BeginJob", token) + frame(DATA, 0, 1, message(bytes(9000), 1 << 30))


def unknown_method(_source: random.Random, token: str) -> bytes:
    return opening("/roar.v1.JobService/Explode", token) + frame(DATA, END_STREAM, 1, message(b""))


def wrong_token(source: random.Random, token: str) -> bytes:
    wrong = source.choice(("", token[:-1], token + "0", "x" * 100))
    return opening("/roar.v1.DaemonService/StopDaemon", wrong) + frame(DATA, END_STREAM, 1, message(b""))


def end_in_the_middle(source: random.Random, token: str) -> bytes:
    whole = opening("/roar.v1.JobService/ListJobs", token) + frame(DATA, END_STREAM, 1, message(b"\x0a\x01/"))
    return whole[: source.randrange(1, len(whole))]


def http1(source: random.Random, _token: str) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: roard\r\n\r\n" * source.choice((1, 100))


NOISES: tuple[Callable[[random.Random, str], bytes], ...] = (
    noise, broken_frames, frame_without_end, claims_a_gibibyte, unknown_method, wrong_token, end_in_the_middle, http1,
)  # fmt: skip


@pytest.mark.timeout(figure(600, 1200))
def test_bytes_that_are_no_requests(served: Daemon, root: Path) -> None:
    source = seeded("bytes")
    memory = resident(served)
    _, token = served.metadata[0]
    for number in rounds(400):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            send = source.choice(NOISES)
            with connect(served.runtime / "roard.sock", send(source, token)) as connection:
                if number % 10 == 0:
                    _read_a_little(connection)
        if number % 50 == 0:
            served.list_jobs(root)
    assert_as_before(served, root, memory)


def _read_a_little(connection: socket.socket) -> None:
    """Waits for what the daemon says to it, or for its silence."""
    if select.select([connection], [], [], 0.2)[0]:
        connection.recv(4096)


def test_sizes_at_the_limits(served: Daemon, root: Path) -> None:
    """Ten thousand files with long paths are a job like any other; a request larger than any of ours is refused."""
    memory = resident(served)
    run = Run(root, argv=(b"python", *(b"%d" % number for number in range(10_000))))
    folder = root / ("d" * 200) / ("e" * 200)
    folder.mkdir(parents=True)
    reads = [_read(bytes(folder / f"{number:05}") + b"\xff\n" * 20) for number in range(10_000)]
    reads += [_read(bytes(root) + b"/x" * ((4095 - len(bytes(root))) // 2))]
    run.seal(reads)
    served.begin(run)
    job = served.finish(run)
    assert job.input_count == len(reads)
    full = served.job(root)
    assert {file.hash_note for file in full.inputs} == {"gone"}
    assert len(full.argv) == 10_001
    too_large = jobs_pb2.GetJobRequest(project_root=bytes(root), ref="x" * (20 * MIB))
    with pytest.raises(grpc.RpcError) as caught:
        served.jobs.GetJob(too_large, metadata=served.metadata)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    # A job of 10 MB in paths and words, held several times while it is recorded and shown, and given back at rest only.
    assert_as_before(served, root, memory, 4 * GROWTH_MAX)


def _read(path: bytes) -> run_pb2.FileRead:
    return run_pb2.FileRead(path=path, stat=types_pb2.StatKey(dev=1, ino=2**64 - 1, size=3, mtime_ns=4, ctime_ns=5))


def test_a_pattern_that_would_take_for_ever_is_given_up(served: Daemon, root: Path) -> None:
    served.finish(Run(root, argv=(b"python", b"a" * 5000 + b"!")).seal())
    endless = jobs_pb2.ListJobsRequest(project_root=bytes(root), grep="(a|aa)+$")
    pending = served.jobs.ListJobs.future(endless, metadata=served.metadata, timeout=60)
    # Nobody else waits for it.
    assert served.list_jobs(root)
    assert not pending.done()
    with pytest.raises(grpc.RpcError) as caught:
        pending.result()
    assert refusal(caught.value).reason == "bad-pattern"


def test_the_socket_is_private(served: Daemon) -> None:
    assert served.runtime.stat().st_mode & 0o777 == 0o700
    assert os.lstat(served.runtime / "roard.sock").st_mode & 0o077 == 0
