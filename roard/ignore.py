"""`.roarignore` in the root of a project: which files the user leaves out, and which count in spite of every filter.

A line is a pattern of gitignore(5) for the files of the project; one that begins with `//` is for files outside of it,
from the root of the file system. `!` counts what it fits. The last line that fits decides.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pathspec.patterns.gitignore import GitIgnorePatternError
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from roard.errors import shown

FILE = b".roarignore"


@dataclass(frozen=True)
class Rule:
    """A line that decides about files."""

    line: int
    text: bytes
    tracks: bool

    def __str__(self) -> str:
        return f"{os.fsdecode(FILE)}:{self.line}"


@dataclass(frozen=True)
class _Compiled:
    rule: Rule
    matcher: re.Pattern[str]


class IgnoreRules:
    """The lines of a file. What is no pattern decides nothing, and is in `mistakes`."""

    def __init__(self, root: bytes, text: bytes) -> None:
        self._inside = root + b"/"
        self._in_project: list[_Compiled] = []
        self._elsewhere: list[_Compiled] = []
        self.rules: list[Rule] = []
        self.mistakes: list[Rule] = []
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.startswith(b"#"):
                self._add(Rule(number, line, line.startswith(b"!")))

    def _add(self, rule: Rule) -> None:
        pattern = rule.text[1:] if rule.tracks else rule.text
        outside = pattern.startswith(b"//")
        compiled = _matcher(pattern[1:] if outside else pattern)
        if compiled is None:
            self.mistakes.append(rule)
            return
        self.rules.append(rule)
        # The last line decides, so it is looked at first.
        (self._elsewhere if outside else self._in_project).insert(0, _Compiled(rule, compiled))

    def rule_of(self, path: bytes) -> Rule | None:
        """Returns the line that decides about a file, if there is one; absolute, resolved path."""
        inside = path.startswith(self._inside)
        known = self._in_project if inside else self._elsewhere
        if not known:
            return None
        name = _as_text(path[len(self._inside) :] if inside else path[1:])
        return next((one.rule for one in known if one.matcher.match(name)), None)

    def what_is_wrong(self) -> str:
        """Returns the lines that are no pattern, on one line."""
        return ", ".join(f"{rule} `{shown(rule.text)}`" for rule in self.mistakes)


def read_rules(root: bytes) -> IgnoreRules:
    """Returns the rules of the project at `root`; no file has none. Raises OSError."""
    return IgnoreRules(root, read_text(root))


def read_text(root: bytes) -> bytes:
    """Returns the file, empty when there is none. Raises OSError."""
    try:
        with open(os.path.join(root, FILE), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def rule_for(line: bytes) -> Rule | None:
    """Returns what a line would be, on its own; None: no pattern."""
    known: Sequence[Rule] = IgnoreRules(b"", line).rules
    return known[0] if known else None


def _matcher(pattern: bytes) -> re.Pattern[str] | None:
    # Names are bytes, as they are to git.
    text = _as_text(pattern)
    # A second `!` would count twice for the library, and be part of the name for git.
    if text.startswith("!"):
        text = f"\\{text}"
    try:
        compiled = GitIgnoreSpecPattern(text).regex
    except GitIgnorePatternError:
        return None
    return compiled


def _as_text(name: bytes) -> str:
    return name.decode("latin-1")
