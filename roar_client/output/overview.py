"""`roar --help`."""

from __future__ import annotations

from roar_client.output.text import BLANK, Line, Span, columns, line, show
from roar_client.table import GROUPS


def show_overview() -> None:
    """Prints the commands by what they are for."""
    show(overview())


def overview() -> list[Line]:
    """Returns the lines of the overview."""
    lines = [
        line("Records what commands read and write, so that every file can be traced to what made it."),
        BLANK,
        line(Span("Usage:", "head"), " roar COMMAND [OPTIONS]"),
    ]
    width = max(len(command.name) for group in GROUPS for command in group.commands)
    for group in GROUPS:
        lines += [BLANK, line(Span(f"{group.title}:", "head"))]
        rows = [(Span(command.name.ljust(width), "step"), Span(command.about)) for command in group.commands]
        lines += columns(rows, indent="  ")
    options = [
        (Span("-h, --help"), Span("Show this, or with a command everything about it")),
        (Span("-V, --version"), Span("Show the version")),
    ]
    lines += [BLANK, line(Span("Options:", "head")), *columns(options, indent="  ")]
    references = [
        (Span("@3, @B1"), Span("a step of the session, or its latest job; @-1 the newest job of all")),
        (Span("8f2a01bc"), Span("a job, a session or the content of a file, by its id or hash or the beginning of it")),
        (Span("out/model.pt"), Span("a file")),
    ]
    lines += [BLANK, line(Span("What a REF can be:", "head")), *columns(references, indent="  ")]
    return lines
