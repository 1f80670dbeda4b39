"""docs/cli.md, from the commands themselves: `python -m roar_client.reference` prints it, a test compares."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import typer

from roar_client.errors import REASONS
from roar_client.table import GROUPS, NATIVE_USAGE, Command

HEAD = """\
# Commands

Written by `python -m roar_client.reference`; `roar COMMAND --help` says the same. Data goes to stdout, everything else
to stderr. A `REF` is `@3` or `@B1` (a step of the active session, or its latest job), `@-1` (the newest job), a job id,
the hash of a session or of a file's content (or the beginning of one: 4 hex digits, 8 for a content), or a path. A
session's hash is over what is recorded in it: that of the active one changes with every new result, those of old ones
stay.

Exit statuses: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted. An error on stderr has the form
`error[REASON]: fact`, then its cause, then `hint: what to do`.

On a terminal, output is in colour and cut at its edge, and long output goes through `ROAR_PAGER`, `PAGER` or `less`;
elsewhere it is plain text and nothing is cut. `NO_COLOR` and `FORCE_COLOR` decide otherwise.

`ROAR_DAEMON` says whose daemon answers. `auto`, the default: yours, started when it is not there, and replaced when it
is of an older version than the command; no run is lost by that. `require`: yours, and no command starts or replaces it.
`off`, for containers and CI: each command brings a daemon of its own, which ends with it; that costs half a second. A
project that another daemon has open is refused after ten seconds, as each is open in one daemon only.
"""


def render() -> str:
    """Returns the page."""
    parts = [HEAD]
    for group in GROUPS:
        parts.append(f"## {group.title}\n")
        for command in group.commands:
            parts += _native(command) if command.native else _command(command)
    return "\n".join([*parts, *_errors()])


def _errors() -> list[str]:
    rows = [f"| `{reason}` | {when} |" for reason, when in sorted(REASONS.items())]
    about = (
        "`error[REASON]` that the command line finds by itself; those of the daemon are in [errors.md](errors.md).\n"
    )
    return ["## Errors\n", about, "\n".join(["| reason | when |", "|---|---|", *rows]) + "\n"]


def _native(command: Command) -> list[str]:
    usage = f"```text\nroar {command.name} {NATIVE_USAGE}\n```\n"
    return [f"### roar {command.name}\n", f"{command.about}. `roar {command.name} -h` explains the options.\n", usage]


def _command(command: Command) -> list[str]:
    parsed = typer.main.get_command(import_module(command.module).app)
    subcommands: dict[str, Any] = getattr(parsed, "commands", {})
    parts = list(_section(parsed, f"roar {command.name}", "###"))
    for name, subcommand in subcommands.items():
        parts += _section(subcommand, f"roar {command.name} {name}", "####")
    return parts


def _section(command: Any, name: str, level: str) -> Iterator[str]:
    """Yields heading, usage, help, options and examples; `command` is of the parser that typer brings along."""
    # The parser's own words for types and defaults differ between its versions, so they are not used.
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    usage = [name, "[OPTIONS]", *(parameter.metavar for parameter in arguments)]
    yield f"{level} {name}\n"
    yield f"{inspect.cleandoc(command.help or '')}\n"
    if hasattr(command, "commands"):
        usage = [name, "COMMAND"]
    yield f"```text\n{' '.join(usage)}\n```\n"
    rows = [f"| `{parameter.metavar}` | {parameter.help} |" for parameter in arguments]
    rows += [f"| `{_names(parameter)}` | {parameter.help} |" for parameter in options]
    if rows:
        yield "\n".join(["| option | meaning |", "|---|---|", *rows]) + "\n"
    if command.epilog:
        examples = "\n".join(line.strip() for line in command.epilog.splitlines()[2:])
        yield f"```sh\n{examples}\n```\n"


def _names(option: Any) -> str:
    names = ", ".join(option.opts)
    return f"{names} {option.metavar}".replace("|", "\\|") if option.metavar else names


if __name__ == "__main__":
    sys.stdout.write(render())
