"""The keys, explained."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from roar_client.output.text import BLANK, Line, Span, columns, line
from roar_client.tui.styled import styled_lines
from roar_client.tui.views import VIEWS

KEYS = (
    (f"1 … {len(VIEWS)}", ", ".join(view.name.lower() for view in VIEWS)),
    ("↑ ↓  j k  g G", "choose a row; also with the mouse"),
    ("Enter, Tab", "go to the details and scroll them"),
    ("Esc", "go back to the table; there: list everything again"),
    ("/", "list only what holds some text"),
    ("l", "what the chosen job or file was made from, and back"),
    ("a", "jobs and files of all sessions, and back"),
    ("o", "files by size, reads, writes or last use"),
    ("r", "ask for everything anew"),
    ("t", "light or dark"),
    ("?", "this"),
    ("q, Ctrl-Q", "leave; runs go on"),
)


class HelpScreen(ModalScreen[None]):
    """Lies over the table until it is put away."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q,enter", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        """Makes the screen."""
        with VerticalScroll(id="help"):
            yield Static(styled_lines(_lines()))


def _lines() -> list[Line]:
    rows = columns([(Span(keys, "step"), Span(about)) for keys, about in KEYS])
    end = "Runs are looked at every second, and all else, also the files on disk, every few seconds."
    return [line(Span("Keys", "head")), BLANK, *rows, BLANK, line(Span(end, "dim"))]
