"""Errors that the command line finds by itself, and the form in which it passes on those of the daemon."""

from __future__ import annotations

from dataclasses import dataclass

FAILED = 1
USAGE = 2


@dataclass(eq=False)
class ClientError(Exception):
    """Why a command cannot be done: rendered once, by output/errors.py."""

    reason: str
    """Kebab-case word, listed in docs/errors.md."""
    fact: str
    cause: str = ""
    hint: str = ""
    exit_code: int = FAILED


def shown(path: bytes) -> str:
    """Returns a path for a message: undecodable bytes as U+FFFD, control characters escaped."""
    text = path.decode("utf-8", "replace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
