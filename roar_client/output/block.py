"""Lines at the end of the terminal that are written over again and again."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from roar_client.output.text import Line, rendered, terminal_width, width_of

_UP = "\x1b[{}A"
_CLEAR_BELOW = "\x1b[J"


class Block:
    """Some lines on stdout, which is a terminal; others must not write there meanwhile."""

    def __init__(self) -> None:
        self._widths: list[int] = []
        """Of the lines that are there now."""

    def show(self, lines: Sequence[Line]) -> None:
        """Puts lines in the place of those that are there."""
        sys.stdout.write(self._wiped() + rendered(lines, crop=True))
        sys.stdout.flush()
        width = terminal_width()
        self._widths = [min(width_of("".join(span.text for span in spans)), width) for spans in lines]

    def clear(self) -> None:
        """Takes the lines away."""
        sys.stdout.write(self._wiped())
        sys.stdout.flush()
        self._widths = []

    def _wiped(self) -> str:
        """Returns what clears the lines; a terminal that became narrower meanwhile has wrapped them."""
        width = max(terminal_width(), 1)
        rows = sum(max((taken - 1) // width, 0) + 1 for taken in self._widths)
        return f"\r{_UP.format(rows) if rows else ''}{_CLEAR_BELOW}"
