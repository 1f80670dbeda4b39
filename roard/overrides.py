"""Puts words in the place of those of a recorded command: by key and by order, never by searching text.

A command line does not say which of its words belong together; this reading of it is that of most programs: an option
has at most one value, which is the next word, unless that looks like an option itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from roard.errors import BadOverride, shown
from roard.model import Command

_OPTION = re.compile(rb"--?[A-Za-z_].*", re.DOTALL)
_WITH_EQUALS = re.compile(rb"(?P<key>--?[A-Za-z_][^=]*)=(?P<value>.*)", re.DOTALL)
# `-j4`, `-e0.5`: a letter and a number.
_WITH_NUMBER = re.compile(rb"(?P<key>-[A-Za-z])(?P<value>[-+]?\.?[0-9].*)", re.DOTALL)
_ASSIGNMENT = re.compile(rb"(?P<key>[+~]{0,2}[A-Za-z_][\w.@/:-]*)=(?P<value>.*)", re.DOTALL)
_END = b"--"


@dataclass(frozen=True)
class _Option:
    """An option as it stands in a command line."""

    at: int
    joined: bytes | None = None
    """What stands in the same word between key and value: `=` or nothing; None: the value is a word of its own."""
    value: bytes | None = None
    """None: it has none."""


@dataclass
class _Reading:
    """A command line taken to pieces: where each piece stands."""

    options: dict[bytes, list[_Option]] = field(default_factory=dict)
    assignments: dict[bytes, int] = field(default_factory=dict)
    """By name; of several the last, which is the one that counts for most programs."""
    positionals: list[int] = field(default_factory=list)
    end: int = 0
    """Where a further option would stand."""


def override(argv: Sequence[bytes], command: Command, words: Sequence[bytes]) -> list[bytes]:
    """Returns argv with words in the place of its own; program, script and subcommand stay. Raises BadOverride.

    What has no key in argv is added at its end, before a `--`.
    """
    there = _read(argv, command.parameters, command.script)
    flags = {key for key, found in there.options.items() if all(option.value is None for option in found)}
    given = _read(words, 0, None, flags)
    edits = _Edits()
    for key, options in given.options.items():
        _set_option(key, [_Typed(words, option) for option in options], there.options.get(key, []), edits)
    for key, at in given.assignments.items():
        if key in there.assignments:
            edits.replaced[there.assignments[key]] = [words[at]]
        else:
            edits.added.append(words[at])
    for number, at in enumerate(at for at in given.positionals if at not in given.assignments.values()):
        if number >= len(there.positionals):
            raise BadOverride(shown(words[at]), _too_many(number + 1, len(there.positionals)))
        edits.replaced[there.positionals[number]] = [words[at]]
    edited = [edits.replaced.get(index, [word]) for index, word in enumerate(argv)]
    return [word for part in (*edited[: there.end], edits.added, *edited[there.end :]) for word in part]


@dataclass
class _Edits:
    """What is to be done to a command line."""

    replaced: dict[int, Sequence[bytes]] = field(default_factory=dict)
    """By place, what is to stand there."""
    added: list[bytes] = field(default_factory=list)


@dataclass(frozen=True)
class _Typed:
    """An option as the user gives it."""

    words: Sequence[bytes]
    option: _Option

    @property
    def form(self) -> Sequence[bytes]:
        """The words as typed."""
        length = 2 if self.option.joined is None and self.option.value is not None else 1
        return self.words[self.option.at : self.option.at + length]


def _set_option(key: bytes, given: Sequence[_Typed], known: Sequence[_Option], edits: _Edits) -> None:
    """Finds the places of an option that is given once or more."""
    if len(known) > 1 and len(given) != len(known):
        times = f"{len(known)} times"
        raise BadOverride(shown(key), f"it stands {times} in the recorded command: give it {times}, in that order")
    for typed, place in zip(given, known, strict=False):
        value = typed.option.value
        if value is None and place.value is not None:
            raise BadOverride(shown(key), f"it has a value in the recorded command, `{shown(place.value)}`: give one")
        if value is None:
            continue
        if place.joined is not None:
            edits.replaced[place.at] = [key + place.joined + value]
        elif place.value is not None:
            edits.replaced[place.at + 1] = [value]
        else:
            edits.replaced[place.at] = typed.form
    for typed in given[len(known) :]:
        edits.added.extend(typed.form)


def _read(words: Sequence[bytes], start: int, script: int | None, flags: Collection[bytes] = frozenset()) -> _Reading:
    """Takes the words from `start` on to pieces. flags: options that are known to have no value."""
    reading = _Reading(end=len(words))
    pending = iter(range(start, len(words)))
    for at in pending:
        word = words[at]
        if word == _END:
            reading.end = at
            reading.positionals += range(at + 1, len(words))
            break
        if match := _WITH_EQUALS.fullmatch(word) or _WITH_NUMBER.fullmatch(word):
            joined = b"=" if match.re is _WITH_EQUALS else b""
            reading.options.setdefault(match["key"], []).append(_Option(at, joined, match["value"]))
        elif _OPTION.fullmatch(word):
            has_value = word not in flags and at + 1 < len(words) and at + 1 != script and _is_plain(words[at + 1])
            value = words[next(pending)] if has_value else None
            reading.options.setdefault(word, []).append(_Option(at, value=value))
        elif at != script:
            reading.positionals.append(at)
            if match := _ASSIGNMENT.fullmatch(word):
                reading.assignments[match["key"]] = at
    if script is not None:
        # What stands before the script are words of the program that starts it.
        reading.positionals = [at for at in reading.positionals if at > script]
    return reading


def _is_plain(word: bytes) -> bool:
    return word != _END and not _OPTION.fullmatch(word)


def _too_many(number: int, known: int) -> str:
    has = "no word" if known == 0 else "one word" if known == 1 else f"{known} words"
    return f"the recorded command has {has} that is no option or value of one; this would be number {number}"
