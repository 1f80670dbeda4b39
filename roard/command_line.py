"""Takes the words of a command line to pieces: options, assignments, and what is neither. Pure.

A command line does not say which of its words belong together; this reading of it is that of most programs: an option
has at most one value, which is the next word, unless that looks like an option itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

_OPTION = re.compile(rb"--?[A-Za-z_].*", re.DOTALL)
"""A negative number is none."""
_WITH_EQUALS = re.compile(rb"(?P<key>--?[A-Za-z_][^=]*)=(?P<value>.*)", re.DOTALL)
# `-j4`, `-e0.5`: a letter and a number.
_WITH_NUMBER = re.compile(rb"(?P<key>-[A-Za-z])(?P<value>[-+]?\.?[0-9].*)", re.DOTALL)
_ASSIGNMENT = re.compile(rb"(?P<key>[+~]{0,2}[A-Za-z_][\w.@/:-]*)=(?P<value>.*)", re.DOTALL)
_END = b"--"


@dataclass(frozen=True)
class Option:
    """An option as it stands in a command line."""

    at: int
    joined: bytes | None = None
    """What stands in the same word between key and value: `=` or nothing; None: the value is a word of its own."""
    value: bytes | None = None
    """None: it has none."""


@dataclass
class Reading:
    """A command line taken to pieces: where each piece stands."""

    options: dict[bytes, list[Option]] = field(default_factory=dict)
    assignments: dict[bytes, int] = field(default_factory=dict)
    """By name; of several the last, which is the one that counts for most programs."""
    positionals: list[int] = field(default_factory=list)
    """Assignments included."""
    end: int = 0
    """Where a further option would stand."""


def read_words(
    words: Sequence[bytes], start: int, script: int | None = None, flags: Collection[bytes] = frozenset()
) -> Reading:
    """Takes the words from `start` on to pieces.

    script: place of a word that is no piece; flags: options that are known to have no value.
    """
    reading = Reading(end=len(words))
    pending = iter(range(start, len(words)))
    for at in pending:
        word = words[at]
        if word == _END:
            reading.end = at
            reading.positionals += range(at + 1, len(words))
            break
        if match := _WITH_EQUALS.fullmatch(word) or _WITH_NUMBER.fullmatch(word):
            joined = b"=" if match.re is _WITH_EQUALS else b""
            reading.options.setdefault(match["key"], []).append(Option(at, joined, match["value"]))
        elif _OPTION.fullmatch(word):
            has_value = word not in flags and at + 1 < len(words) and at + 1 != script and _is_plain(words[at + 1])
            value = words[next(pending)] if has_value else None
            reading.options.setdefault(word, []).append(Option(at, value=value))
        elif at != script:
            reading.positionals.append(at)
            if match := _ASSIGNMENT.fullmatch(word):
                reading.assignments[match["key"]] = at
    if script is not None:
        # What stands before the script are words of the program that starts it.
        reading.positionals = [at for at in reading.positionals if at > script]
    return reading


def parameters(argv: Sequence[bytes]) -> dict[str, bytes]:
    """Returns the words of a command by name, in their order: options, assignments, other words by their number.

    The program is `program`. An option that stands twice is `-x` and `-x (2)`; one without a value has an empty one.
    """
    if not argv:
        return {}
    reading = read_words(argv, 1)
    found = {option.at: (key, option.value or b"") for key, options in reading.options.items() for option in options}
    found |= {at: (key, argv[at].partition(b"=")[2]) for key, at in reading.assignments.items()}
    others = [at for at in reading.positionals if at not in found]
    found |= {at: (b"argument %d" % number, argv[at]) for number, at in enumerate(others, 1)}
    named, seen = {"program": argv[0]}, Counter[bytes]()
    for _, (key, value) in sorted(found.items()):
        seen[key] += 1
        name = key.decode("utf-8", "replace")
        named[name if seen[key] == 1 else f"{name} ({seen[key]})"] = value
    return named


def _is_plain(word: bytes) -> bool:
    return word != _END and not _OPTION.fullmatch(word)
