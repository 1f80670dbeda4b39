"""Lines of styled text, and how they reach stdout and stderr."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

STYLES = {
    "": "",
    "head": "bold",
    "dim": "dim",
    "id": "yellow",
    "step": "bold cyan",
    "good": "green",
    "bad": "bold red",
    "warn": "yellow",
    "path": "",
    "command": "",
    "graph": "blue",
}
# For terminals that know no more; the graph has a style of its own (graph.py).
_ASCII = str.maketrans({"·": "-", "…": "..."})


@dataclass(frozen=True)
class Span:
    """A piece of a line. `style` is one of the words above: what the text is, not how it looks."""

    text: str
    style: str = ""


Line = Sequence[Span]
BLANK: Line = ()


def line(*parts: Span | str) -> Line:
    """Returns a line of spans; plain strings have no style."""
    return tuple(part if isinstance(part, Span) else Span(part) for part in parts)


def visible(text: str) -> str:
    """Returns text with control characters escaped: a file name must not move the cursor or split a line."""
    return text if text.isprintable() else "".join(map(_visible_char, text))


def _visible_char(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode()


def decoded(data: bytes) -> str:
    """Returns bytes as text for people: what is not UTF-8 as U+FFFD, control characters escaped."""
    return visible(data.decode("utf-8", "replace"))


def width_of(text: str) -> int:
    """Returns how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def columns(rows: Iterable[Sequence[Span]], gap: str = "  ", indent: str = "") -> list[Line]:
    """Returns the rows as lines whose cells stand below each other; the last cell of a row is not padded."""
    rows = list(rows)
    widths: list[int] = []
    for row in rows:
        for index, cell in enumerate(row[:-1]):
            width = width_of(cell.text)
            if index == len(widths):
                widths.append(width)
            widths[index] = max(widths[index], width)
    return [_aligned(row, widths, gap, indent) for row in rows]


def _aligned(row: Sequence[Span], widths: Sequence[int], gap: str, indent: str) -> Line:
    parts: list[Span | str] = [indent] if indent else []
    for index, cell in enumerate(row):
        parts.append(cell)
        if index < len(row) - 1:
            parts.append(" " * (widths[index] - width_of(cell.text)) + gap)
    return line(*parts)


def is_terminal() -> bool:
    """Returns whether stdout is read by a person: lines then end at its edge."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def terminal_width() -> int:
    """Returns the columns of the terminal."""
    from shutil import get_terminal_size

    return get_terminal_size().columns


def wants_unicode() -> bool:
    """Returns whether stdout can take characters beyond ASCII."""
    # What textual puts in its place does not say, and is for its own, which are many.
    encoding = getattr(sys.stdout, "encoding", "utf-8")
    return (encoding or "").lower().replace("-", "") == "utf8"


def show(
    lines: Iterable[Line], *, crop: bool = False, colour: bool = True, paged: bool = False, flush: bool = False
) -> None:
    """Prints lines on stdout.

    crop: on a terminal, a line that is too long ends in an ellipsis instead of wrapping; elsewhere nothing is cut.
    paged: on a terminal, what is taller than it goes through a pager.
    flush: at once, for who reads along.
    """
    terminal = is_terminal()
    text = rendered(lines, crop=crop and terminal, colour=colour)
    if paged and terminal and sys.stdin.isatty():
        from roar_client.output.pager import page

        page(text)
    else:
        sys.stdout.write(text)
        if flush:
            sys.stdout.flush()


def rendered(lines: Iterable[Line], *, crop: bool, colour: bool = True) -> str:
    """Returns lines as stdout can take them. crop: to the width of the terminal. colour: as far as it is wanted."""
    colour = colour and not os.environ.get("NO_COLOR") and (bool(os.environ.get("FORCE_COLOR")) or is_terminal())
    text = _for_terminal(lines, colour=colour, crop=crop) if colour or crop else plain_text(lines)
    return text if wants_unicode() else text.translate(_ASCII)


def plain_text(lines: Iterable[Line]) -> str:
    """Returns lines without colours, each with its end."""
    return "".join("".join(span.text for span in spans).rstrip() + "\n" for spans in lines)


def _for_terminal(lines: Iterable[Line], *, colour: bool, crop: bool) -> str:
    """Returns the lines with the terminal's colours, and no wider than it is if they are to be cropped."""
    width = terminal_width()
    cut = [_cropped(spans, width) if crop else spans for spans in lines]
    return _coloured(cut) if colour else plain_text(cut)


def _coloured(lines: Iterable[Line]) -> str:
    from rich.color import ColorSystem
    from rich.style import Style

    # Not rich.console: printing 10,000 lines through it takes 1.5 s, and importing it costs as much as grpc.
    styles = {name: Style.parse(definition) for name, definition in STYLES.items()}
    rows = [
        "".join(styles[span.style].render(span.text, color_system=ColorSystem.STANDARD) for span in spans)
        for spans in lines
    ]
    return "".join(f"{row.rstrip()}\n" for row in rows)


def _cropped(spans: Line, width: int) -> Line:
    """Returns a line no wider than this, with an ellipsis where something was cut off."""
    if width_of("".join(span.text for span in spans).rstrip()) <= width:
        return spans
    kept: list[Span] = []
    room = width - 1
    for span in spans:
        end = _fitting(span.text, room)
        if end < len(span.text):
            return (*kept, Span(f"{span.text[:end]}…", span.style))
        kept.append(span)
        room -= width_of(span.text)
    return kept


def _fitting(text: str, room: int) -> int:
    """Returns how many characters of a text fit into this many columns."""
    if text.isascii():
        return min(len(text), room)
    taken = 0
    for index, char in enumerate(text):
        taken += _char_width(char)
        if taken > room:
            return index
    return len(text)


def say(text: str) -> None:
    """Prints one line of data on stdout."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """Prints one line of talk on stderr."""
    sys.stdout.flush()
    sys.stderr.write(text + "\n")


def ask(question: str) -> bool:
    """Asks on the terminal; no answer is yes. The caller has made sure that there is somebody to ask.

    Raises KeyboardInterrupt, also at the end of input.
    """
    while True:
        sys.stderr.write(f"{question} [Y/n] ")
        sys.stderr.flush()
        answer = sys.stdin.readline()
        if not answer:
            sys.stderr.write("\n")
            raise KeyboardInterrupt
        match answer.strip().lower():
            case "" | "y" | "yes":
                return True
            case "n" | "no":
                return False


def can_ask() -> bool:
    """Returns whether there is a person at both ends of a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()
