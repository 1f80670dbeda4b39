"""How two commands differ, parameter by parameter: pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from roar_proto.v1 import diff_pb2 as pb

_OPTION = re.compile(rb"(--?[A-Za-z][^=]*)(?:=(.*))?", re.DOTALL)
"""A negative number is none."""


def parameter_changes(a: Sequence[bytes], b: Sequence[bytes]) -> list[pb.ValueChange]:
    """Returns what differs between two commands, in the order of the first and then of the second.

    `--lr 0.1` and `--lr=0.1` are the same. Which words are values of the option before them only the program knows: a
    word that follows an option is taken for one, so a switch before an argument is shown with that argument.
    """
    before, after = parameters(a), parameters(b)
    return value_changes(before, after)


def value_changes(a: dict[str, bytes], b: dict[str, bytes]) -> list[pb.ValueChange]:
    """Returns the values that differ, those of the first in its order, then those that only the second has."""
    names = [*a, *(name for name in b if name not in a)]
    return [pb.ValueChange(name=name, a=a.get(name), b=b.get(name)) for name in names if a.get(name) != b.get(name)]


def parameters(argv: Sequence[bytes]) -> dict[str, bytes]:
    """Returns the words of a command by name: options, then arguments by their place; the program is `program`."""
    found: dict[str, bytes] = {}
    seen: Counter[str] = Counter()
    words = list(argv)
    arguments = 0
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        match = _OPTION.fullmatch(word) if index > 1 else None
        if match is None:
            name = f"argument {arguments}" if arguments else "program"
            arguments += 1
            found[name] = word
            continue
        name = match[1].decode("utf-8", "replace")
        seen[name] += 1
        value = match[2]
        if value is None and index < len(words) and not _OPTION.fullmatch(words[index]) and words[index] != b"--":
            value = words[index]
            index += 1
        found[name if seen[name] == 1 else f"{name} ({seen[name]})"] = value or b""
    return found
