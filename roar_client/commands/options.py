"""What the commands have in common: how an app is made, and options that mean the same everywhere."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object (docs/schema) instead of text.")]


def at_least_one(number: int | None) -> int | None:
    """Returns the number, which may be missing. Raises BadParameter for a smaller one than 1."""
    if number is not None and number < 1:
        raise typer.BadParameter("it must be 1 or more")
    return number


def new_app() -> typer.Typer:
    """Returns an app without completion commands, markup and tracebacks of its own."""
    return typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def examples(*lines: str) -> str:
    """Returns the end of a command's help: examples, one a line, not wrapped."""
    # A paragraph that begins with a backspace is left as it is.
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
