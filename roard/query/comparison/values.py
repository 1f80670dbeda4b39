"""The values in a small file of figures or settings, by name: pure."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MOST_BYTES = 256 << 10
MOST_VALUES = 10_000


class NoValues(Exception):
    """The content has no values that could be compared; the message says why."""


def has_values(path: bytes) -> bool:
    """Returns whether the name is that of a file with values."""
    return _suffix(path) in _READERS


def read_values(path: bytes, content: bytes) -> dict[str, bytes]:
    """Returns the values of a file by name, in its order: `loss.train`, `layers[2]`, of a table `accuracy[epoch=3]`.

    Raises NoValues for what cannot be read, or holds more than MOST_VALUES.
    """
    found: dict[str, bytes] = {}
    try:
        for name, value in _READERS[_suffix(path)](content.decode("utf-8-sig")):
            found[name] = value.encode("utf-8", "replace")
            if len(found) > MOST_VALUES:
                raise NoValues(f"it holds more than {MOST_VALUES:,} values")
    except RecursionError:
        raise NoValues("it is nested too deeply") from None
    except ValueError as error:
        raise NoValues(f"it cannot be read: {error}") from None
    return found


def _suffix(path: bytes) -> bytes:
    return os.path.splitext(path)[1].lower()


def _json(text: str) -> Iterator[tuple[str, str]]:
    return _leaves("", json.loads(text))


def _toml(text: str) -> Iterator[tuple[str, str]]:
    return _leaves("", tomllib.loads(text))


def _yaml(text: str) -> Iterator[tuple[str, str]]:
    import yaml

    try:
        return _leaves("", yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))  # noqa: S506  # safe
    except yaml.YAMLError as error:
        raise ValueError(str(error).replace("\n", " ")) from None


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yields names and values; lazily, as aliases of YAML can stand for more than a machine can hold."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}" if name else str(key), inner)
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _leaves(f"{name}[{index}]", inner)
    else:
        yield name or "value", json.dumps(value, ensure_ascii=False, default=str)


def _table(delimiter: str) -> Callable[[str], Iterator[tuple[str, str]]]:
    def read(text: str) -> Iterator[tuple[str, str]]:
        try:
            rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
        except csv.Error as error:
            raise ValueError(str(error)) from None
        if rows:
            yield from _cells(rows[0], rows[1:])

    return read


def _cells(head: list[str], rows: list[list[str]]) -> Iterable[tuple[str, str]]:
    """Yields the cells by column and row; a row goes by its first cell when no two have the same, else by number."""
    firsts = [row[0] for row in rows]
    named = len(set(firsts)) == len(firsts) and len(head) > 1
    for number, row in enumerate(rows, 1):
        place = f"{head[0]}={row[0]}" if named else str(number)
        for index, cell in enumerate(row):
            if not (named and index == 0):
                column = head[index] if index < len(head) else f"column {index + 1}"
                yield f"{column}[{place}]", cell


_READERS: Mapping[bytes, Callable[[str], Iterable[tuple[str, str]]]] = {
    b".json": _json,
    b".yaml": _yaml,
    b".yml": _yaml,
    b".toml": _toml,
    b".csv": _table(","),
    b".tsv": _table("\t"),
}
