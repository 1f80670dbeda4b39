"""The grammar of references."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roard.errors import BadReference
from roard.refs import HexRef, LocationRef, PathRef, RecentRef, Ref, StepRef, parse_ref


@pytest.mark.parametrize(
    ("typed", "ref"),
    [
        (b"@1", StepRef("run", 1)),
        (b"@12", StepRef("run", 12)),
        (b"@B1", StepRef("build", 1)),
        (b"@b2", StepRef("build", 2)),
        (b"@-1", RecentRef(1)),
        (b"@-3", RecentRef(3)),
        (b"8f2a01bc", HexRef("8f2a01bc", b"8f2a01bc")),
        (b"8F2A", HexRef("8f2a", b"8F2A")),
        (b"a" * 64, HexRef("a" * 64, b"a" * 64)),
        (b"a" * 129, PathRef(b"a" * 129)),
        (b"abc", PathRef(b"abc")),
        (b"out/model.pt", PathRef(b"out/model.pt")),
        (b"./deadbeef", PathRef(b"./deadbeef")),
        (b"./@1", PathRef(b"./@1")),
        (b"model.pt", PathRef(b"model.pt")),
        (b"/data/x", PathRef(b"/data/x")),
        (b"\xff\xfe", PathRef(b"\xff\xfe")),
        (b"s3://bucket/key", LocationRef(b"s3://bucket/key")),
        (b"gs://b/k", LocationRef(b"gs://b/k")),
    ],
)
def test_every_form_is_known(typed: bytes, ref: Ref) -> None:
    assert parse_ref(typed) == ref


@pytest.mark.parametrize("typed", [b"", b"@", b"@0", b"@x", b"@B", b"@B0", b"@-0", b"@1x", b"@ 1", b"a\0b", b"@1\n"])
def test_what_has_no_form_is_refused(typed: bytes) -> None:
    with pytest.raises(BadReference):
        parse_ref(typed)


@given(st.binary(min_size=1))
def test_any_other_word_is_something(typed: bytes) -> None:
    try:
        ref = parse_ref(typed)
    except BadReference:
        assert typed.startswith(b"@") or b"\0" in typed
    else:
        assert not isinstance(ref, PathRef) or ref.path == typed
