"""What can be completed, for the launcher: `python -m roar_client.completion_table` prints words.tsv of its sources.

A line is a command, an option or an argument, its fields separated by tabs: `c PATH ABOUT`, `o PATH NAMES VALUE ABOUT`,
`a PATH VALUE`. PATH is the words of the command. VALUE is empty for an option without one, else what stands for it in
the help, or the words that it may be, separated by `|`. The launcher knows the options of `run` and `build` by itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import typer

from roar_client.table import COMMANDS


def render() -> str:
    """Returns the table."""
    return "".join("\t".join(fields) + "\n" for fields in _rows())


def _rows() -> Iterator[tuple[str, ...]]:
    for name, command in COMMANDS.items():
        yield "c", name, command.about
        if not command.native:
            parsed = typer.main.get_command(import_module(command.module).app)
            yield from _parameters(name, parsed)
            for word, subcommand in getattr(parsed, "commands", {}).items():
                yield "c", f"{name} {word}", (subcommand.help or "").strip().splitlines()[0].rstrip(".")
                yield from _parameters(f"{name} {word}", subcommand)


def _parameters(path: str, command: Any) -> Iterator[tuple[str, ...]]:
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            yield "a", path, _value(parameter)
        else:
            about = " ".join((parameter.help or "").split())
            yield "o", path, " ".join(parameter.opts), "" if parameter.is_flag else _value(parameter), about
    yield "o", path, "-h --help", "", "Show the help."


def _value(parameter: Any) -> str:
    choices = getattr(parameter.type, "choices", None)
    return (
        "|".join(str(getattr(choice, "value", choice)) for choice in choices) if choices else parameter.metavar or "-"
    )


if __name__ == "__main__":
    sys.stdout.write(render())
