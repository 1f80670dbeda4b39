"""Writes the user's word on files into `.roarignore`; every other line stays as it is."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from roard.errors import BadIgnoreRule, ProjectNotWritable, shown
from roard.ignore import FILE, IgnoreRules, Rule, read_text, rule_for
from roard.replace_file import replace_file

HEADER = (
    b"# Files that roar leaves out of what it records, in the syntax of .gitignore. `!` counts them in spite of all,\n"
    b"# a pattern that begins with `//` is for files outside of the project. The last line that fits decides.\n"
)
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Change:
    """What became of one target."""

    target: bytes
    added: Rule | None = None
    removed: bytes = b""
    """A line that said the opposite of the same."""
    known: Rule | None = None
    """Decided as wanted before."""


@dataclass(frozen=True)
class _Wanted:
    """A target as a pattern, and a file that it must fit; none for a pattern as typed."""

    pattern: bytes
    probe: bytes = b""


def change_rules(root: bytes, cwd: bytes, targets: Sequence[bytes], *, track: bool) -> list[Change]:
    """Has later runs leave files out, or count them; all targets or, when one of them is wrong, none.

    Raises BadIgnoreRule, ProjectNotWritable.
    """
    wanted = [_wanted(root, cwd, target) for target in targets]
    path = os.path.join(root, FILE)
    with _one_at_a_time:
        try:
            before = text = read_text(root)
            changes = []
            for target, want in zip(targets, wanted, strict=True):
                text, change = _changed(root, text, target, want, track=track)
                changes.append(change)
            if text != before:
                replace_file(path, text)
        except OSError as error:
            raise ProjectNotWritable(path, error.strerror or str(error)) from error
    return changes


def _changed(root: bytes, text: bytes, target: bytes, want: _Wanted, *, track: bool) -> tuple[bytes, Change]:
    mark, opposite = (b"!", b"") if track else (b"", b"!")
    kept = [line for line in text.splitlines(keepends=True) if line.rstrip(b"\r\n") != opposite + want.pattern]
    removed = opposite + want.pattern if b"".join(kept) != text else b""
    text = b"".join(kept)
    rules = IgnoreRules(root, text)
    decided = rules.rule_of(want.probe) if want.probe else None
    if not want.probe:
        decided = next((rule for rule in rules.rules if rule.text == mark + want.pattern), None)
    if decided and decided.tracks == track:
        return text, Change(target, removed=removed, known=None if removed else decided)
    if removed and track and not decided:
        return text, Change(target, removed=removed)
    text = text or HEADER
    text += b"" if text.endswith(b"\n") else b"\n"
    number = len(text.splitlines()) + 1
    return text + mark + want.pattern + b"\n", Change(target, Rule(number, mark + want.pattern, track), removed)


def _wanted(root: bytes, cwd: bytes, target: bytes) -> _Wanted:
    if not target or b"\n" in target or b"\0" in target:
        raise BadIgnoreRule(
            f"`{shown(target)}` is no path and no pattern", hint="name a file, a directory or a pattern"
        )
    path = os.path.join(cwd, target)
    if os.path.lexists(path):
        return _of_path(root, path, target)
    if target.startswith(b"!"):
        hint = f"to count files, run `roar track '{shown(target[1:])}'`"
        raise BadIgnoreRule(f"`{shown(target)}` is no path", hint=hint)
    if not re.search(rb"[*?\[]", target):
        return _of_path(root, path, target)
    wanted = _Wanted(_of_pattern(root, cwd, target))
    if rule_for(wanted.pattern) is None:
        raise BadIgnoreRule(f"`{shown(target)}` is no pattern", hint="see gitignore(5) for what a pattern may be")
    return wanted


def _of_path(root: bytes, path: bytes, target: bytes) -> _Wanted:
    # Files are recorded by their resolved paths.
    path = os.path.realpath(path)
    if root == path or root.startswith(path.rstrip(b"/") + b"/"):
        hint = "name what is in it; without `roar run`, nothing is recorded"
        raise BadIgnoreRule(f"`{shown(target)}` is, or holds, the whole project", hint=hint)
    is_directory = os.path.isdir(path) or target.endswith(b"/")
    inside = path.startswith(root + b"/")
    place = path[len(root) :] if inside else b"/" + path
    pattern = re.sub(rb"([\\*?\[]|\s(?=\s*\Z))", rb"\\\1", place) + (b"/" if is_directory else b"")
    return _Wanted(pattern, path + b"/\x01" if is_directory else path)


def _of_pattern(root: bytes, cwd: bytes, target: bytes) -> bytes:
    """Returns a pattern as typed somewhere in the project, for the root of it."""
    below = re.sub(rb"([\\*?\[])", rb"\\\1", cwd[len(root) :])
    end = b"/" if target.endswith(b"/") else b""
    if target.startswith(b"/"):
        inside = target.startswith(root + b"/")
        return target[len(root) :] if inside else b"//" + target.lstrip(b"/")
    if b"/" in target.rstrip(b"/"):
        return os.path.normpath(below + b"/" + target) + end
    return below + b"/**/" + target if below else target
