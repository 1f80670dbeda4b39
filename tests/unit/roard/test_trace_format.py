"""Sealed messages: what was written comes back, and every damage is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roar_proto.v1 import run_pb2

from roard.errors import TraceCorrupt
from roard.trace.format import Kind, seal, unseal, write_sealed

RECORD = run_pb2.RunRecord(run_id="01a", argv=[b"python", b"\xff.py"], cwd=b"/p", started_at_ns=7)
SEALED = seal(Kind.RECORD, RECORD)


def read(content: bytes) -> run_pb2.RunRecord:
    return unseal(Kind.RECORD, run_pb2.RunRecord, b"/p/record", content)


@given(st.lists(st.binary(), max_size=5), st.text(), st.integers(0, 2**64 - 1))
def test_a_sealed_message_comes_back(argv: list[bytes], name: str, started_at_ns: int) -> None:
    record = run_pb2.RunRecord(argv=argv, step_name=name, started_at_ns=started_at_ns)
    assert read(seal(Kind.RECORD, record)) == record


def test_the_bytes_are_those_of_the_specification() -> None:
    golden = "524f41525252454301000000ea0d2a0c1700000000000000"
    head = seal(Kind.RECORD, run_pb2.RunRecord(run_id="01a"))[:12]
    assert head.hex() == golden[:24]


@pytest.mark.parametrize("length", range(len(SEALED)))
def test_a_message_cut_short_is_corrupt(length: int) -> None:
    with pytest.raises(TraceCorrupt):
        read(SEALED[:length])


@settings(max_examples=300)
@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_a_changed_byte_is_corrupt(position: int, flip: int) -> None:
    damaged = bytearray(SEALED)
    damaged[position] ^= flip
    with pytest.raises(TraceCorrupt):
        read(bytes(damaged))


@given(st.binary(max_size=64))
def test_arbitrary_bytes_are_corrupt(content: bytes) -> None:
    with pytest.raises(TraceCorrupt):
        read(content)


def test_something_behind_the_message_is_corrupt() -> None:
    with pytest.raises(TraceCorrupt):
        read(SEALED + b"\0")


def test_a_message_of_another_kind_is_corrupt() -> None:
    with pytest.raises(TraceCorrupt, match="begins with"):
        unseal(Kind.FOLDED, run_pb2.FoldedTrace, b"/p/folded", SEALED)


@pytest.mark.parametrize("durable", [True, False])
def test_writing_leaves_the_file_and_nothing_else(tmp_path: Path, durable: bool) -> None:  # noqa: FBT001
    write_sealed(bytes(tmp_path / "record"), Kind.RECORD, RECORD, durable=durable)
    assert [path.name for path in tmp_path.iterdir()] == ["record"]
    assert read((tmp_path / "record").read_bytes()) == RECORD
