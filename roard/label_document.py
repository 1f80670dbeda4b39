"""What a document of labels is: the grammar of `key=value`, merging, removing. Looks nothing up."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from roard.errors import BadLabel, LabelConflict, NoSuchLabel, shown

Value: TypeAlias = "bool | int | float | str"
Document: TypeAlias = "dict[str, Value | Document]"
Key: TypeAlias = "tuple[str, ...]"

MOST_BYTES = 64 << 10
"""Of a document as JSON: a lineage server takes 90 KB in one request."""
MOST_PARTS = 16
RESERVED = "roar"
"""First part of the labels that roar itself publishes with a job."""
_LARGEST = 2**53 - 1
"""Beyond it other readers of JSON lose digits."""
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_BAD_PART = re.compile(r"[\s=.\"'\\]")


def parse_assignments(words: Sequence[bytes]) -> Document:
    """Returns the document that `key=value` words make. Raises BadLabel, LabelConflict."""
    document: Document = {}
    seen: set[Key] = set()
    for word in words:
        name, equals, text = _decoded(word).partition("=")
        if not equals:
            raise BadLabel(shown(word), "it has no `=`")
        key = parse_key(name)
        if key in seen:
            raise BadLabel(shown(word), "this key is given twice")
        seen.add(key)
        part: Value | Document = parse_value(text)
        for piece in reversed(key):
            part = {piece: part}
        assert isinstance(part, dict)
        document = merged(document, part)
    return document


def parse_key(name: str) -> Key:
    """Returns the parts of a key. Raises BadLabel."""
    parts = tuple(name.split("."))
    bad = next((part for part in parts if not part or not part.isprintable() or _BAD_PART.search(part)), None)
    if bad is not None:
        raise BadLabel(name, "a key is words joined by dots, without spaces, quotes or empty words")
    if len(parts) > MOST_PARTS:
        raise BadLabel(name, f"a key has at most {MOST_PARTS} parts")
    if parts[0] == RESERVED:
        raise BadLabel(name, f"what begins with `{RESERVED}.` is written by roar itself")
    return parts


def parse_value(text: str) -> Value:
    """Returns the value that a word stands for: true, false, a number, else the text as it is.

    A number that would not come back as it is, 007 and those beyond 2^53, is text; so is what stands in double quotes.
    """
    if text in {"true", "false"}:
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) < len(str(_LARGEST)) + 2 and abs(int(text)) <= _LARGEST else text
    if _DECIMAL.fullmatch(text):
        return float(text) if math.isfinite(float(text)) else text
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    return text


def decode_key(word: bytes) -> Key:
    """Returns the parts of a key as typed. Raises BadLabel."""
    return parse_key(_decoded(word))


def _decoded(word: bytes) -> str:
    try:
        return word.decode()
    except UnicodeDecodeError:
        raise BadLabel(shown(word), "it is not UTF-8") from None


def merged(document: Document, other: Mapping[str, Value | Document], above: Key = ()) -> Document:
    """Returns a document with the labels of another, whose values win. Raises LabelConflict."""
    result = dict(document)
    for name, value in other.items():
        key, there = (*above, name), result.get(name)
        if isinstance(value, dict) and (there is None or isinstance(there, dict)):
            result[name] = merged(there or {}, value, key)
        elif there is not None and isinstance(there, dict) != isinstance(value, dict):
            raise LabelConflict(".".join(key), is_group=isinstance(there, dict))
        else:
            result[name] = value
    return result


def without(document: Document, keys: Iterable[Key]) -> Document:
    """Returns a document without these labels or groups, and without groups that are empty then. Raises NoSuchLabel."""
    result = document
    for key in keys:
        result = _without(result, key, key)
    return result


def _without(document: Document, key: Key, whole: Key) -> Document:
    first, *rest = key
    if first not in document:
        raise NoSuchLabel(".".join(whole))
    result = dict(document)
    below = result.pop(first)
    if rest:
        if not isinstance(below, dict):
            raise NoSuchLabel(".".join(whole))
        left = _without(below, tuple(rest), whole)
        if left:
            result[first] = left
    return result


def to_json(document: Document) -> str:
    """Returns a document as JSON: one text for equal documents. Raises BadLabel for one that is too large."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if len(text.encode()) > MOST_BYTES:
        raise BadLabel("…", f"the labels of one thing take at most {MOST_BYTES >> 10} KiB together")
    return text


def from_json(text: str) -> Document:
    """Returns the document that to_json wrote."""
    document: Document = json.loads(text)
    return document
