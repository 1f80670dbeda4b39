"""Lines of the other commands as text of rich, which textual draws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from roar_client.output.text import STYLES, Line, Span, line

MOST_LINES = 2_000
"""Of one text: more are not read on a screen, and take seconds to draw."""


def styled(spans: Line) -> Text:
    """Returns one line."""
    return Text.assemble(*((span.text, STYLES[span.style]) for span in spans), no_wrap=True, overflow="ellipsis")


def styled_lines(lines: Iterable[Line], most: int = MOST_LINES) -> Text:
    """Returns lines as one text, at most so many of them."""
    listed = list(lines)
    more: Sequence[Line] = []
    if len(listed) > most:
        more = [line(Span(f"and {len(listed) - most:,} more lines: `roar show` has all", "dim"))]
    return Text("\n").join([styled(spans) for spans in [*listed[:most], *more]])
