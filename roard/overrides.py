"""Puts words in the place of those of a recorded command: by key and by order, never by searching text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from roard.command_line import Option, read_words
from roard.errors import BadOverride, shown
from roard.model import Command


def override(argv: Sequence[bytes], command: Command, words: Sequence[bytes]) -> list[bytes]:
    """Returns argv with words in the place of its own; program, script and subcommand stay. Raises BadOverride.

    What has no key in argv is added at its end, before a `--`.
    """
    there = read_words(argv, command.parameters, command.script)
    flags = {key for key, found in there.options.items() if all(option.value is None for option in found)}
    given = read_words(words, 0, None, flags)
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
    option: Option

    @property
    def form(self) -> Sequence[bytes]:
        """The words as typed."""
        length = 2 if self.option.joined is None and self.option.value is not None else 1
        return self.words[self.option.at : self.option.at + length]


def _set_option(key: bytes, given: Sequence[_Typed], known: Sequence[Option], edits: _Edits) -> None:
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


def _too_many(number: int, known: int) -> str:
    has = "no word" if known == 0 else "one word" if known == 1 else f"{known} words"
    return f"the recorded command has {has} that is no option or value of one; this would be number {number}"
