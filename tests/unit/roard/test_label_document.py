"""The grammar of labels: values keep their type, keys nest, nothing is lost by a slip."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roard.errors import BadLabel, LabelConflict, NoSuchLabel
from roard.label_document import (
    MOST_BYTES,
    Document,
    from_json,
    merged,
    parse_assignments,
    parse_key,
    parse_value,
    to_json,
    without,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("True", "True"),
        ("3", 3),
        ("-3", -3),
        ("+3", "+3"),
        ("007", "007"),
        ("0", 0),
        ("0.1", 0.1),
        (".5", ".5"),
        ("1.", "1."),
        ("1e-4", 1e-4),
        ("1e999", "1e999"),
        ("9007199254740991", 2**53 - 1),
        ("9007199254740992", "9007199254740992"),
        ("9" * 5000, "9" * 5000),
        ("nan", "nan"),
        ("", ""),
        ('"5"', "5"),
        ('"', '"'),
        ('""', ""),
        ("a=b", "a=b"),
        ("1 2", "1 2"),
    ],
)
def test_a_value_has_the_type_that_it_is_written_in(text: str, value: object) -> None:
    found = parse_value(text)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "key", ["", ".", "a..b", ".a", "a.", "a b", "a\tb", 'a"b', "a\x00b", "roar", "roar.x", "a." * 16 + "a"]
)
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(BadLabel):
        parse_key(key)


@pytest.mark.parametrize("words", [[b"a"], [b"=1"], [b"a=1", b"a=2"], [b"\xff=1"], [b"a=\xff"]])
def test_what_is_no_assignment_is_refused(words: list[bytes]) -> None:
    with pytest.raises(BadLabel):
        parse_assignments(words)


@pytest.mark.parametrize("words", [[b"a=1", b"a.b=2"], [b"a.b=2", b"a=1"]])
def test_a_key_is_a_value_or_a_group(words: list[bytes]) -> None:
    with pytest.raises(LabelConflict):
        parse_assignments(words)
    with pytest.raises(LabelConflict):
        merged(parse_assignments(words[:1]), parse_assignments(words[1:]))


def test_labels_merge_by_key_and_leave_without_empty_groups() -> None:
    document = parse_assignments([b"a.b.c=1", b"a.d=x", b"e=true"])
    assert document == {"a": {"b": {"c": 1}, "d": "x"}, "e": True}
    document = merged(document, parse_assignments([b"a.b.c=2", b"f=0.5"]))
    assert document == {"a": {"b": {"c": 2}, "d": "x"}, "e": True, "f": 0.5}
    assert without(document, [("a", "b", "c"), ("e",)]) == {"a": {"d": "x"}, "f": 0.5}
    assert without(document, [("a",)]) == {"e": True, "f": 0.5}
    for key in (("b",), ("a", "x"), ("e", "x"), ("a", "b", "c", "d")):
        with pytest.raises(NoSuchLabel, match=r"\.".join(key)):
            without(document, [key])


def test_a_document_has_a_largest_size() -> None:
    with pytest.raises(BadLabel):
        to_json({"a": "x" * MOST_BYTES})


keys = st.lists(st.sampled_from(["a", "b", "ß"]), min_size=1, max_size=3)
numbers = st.integers(-9, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.booleans() | numbers | st.text(max_size=3)
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Documents of a few labels; those that would conflict are left out."""
    document: Document = {}
    for key, value in draw(st.lists(st.tuples(keys, values), max_size=5)):
        part: Any = value
        for piece in reversed(key):
            part = {piece: part}
        with contextlib.suppress(LabelConflict):
            document = merged(document, part)
    return document


@unhurried
@given(documents())
def test_every_document_comes_back_from_json_and_merges_into_itself(document: Document) -> None:
    assert from_json(to_json(document)) == document
    assert merged(document, document) == merged({}, document) == document


@unhurried
@given(documents(), documents())
def test_merging_keeps_every_label_of_both(one: Document, other: Document) -> None:
    try:
        both = merged(one, other)
    except LabelConflict:
        return
    assert merged(both, other) == both
    assert set(one) | set(other) == set(both)
