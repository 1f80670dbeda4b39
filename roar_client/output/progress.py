"""A line on the terminal that says how far long work is; nothing where nobody looks."""

from __future__ import annotations

import sys

CLEAR = "\r\x1b[K"


class Progress:
    """Writes over itself on stderr, when that is a terminal."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._wanted = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        """Shows how much is done."""
        self._write(f"{CLEAR}{self._what}  {done} of {total}")

    def end(self) -> None:
        """Takes the line away."""
        self._write(CLEAR)

    def _write(self, text: str) -> None:
        if self._wanted:
            sys.stderr.write(text)
            sys.stderr.flush()
