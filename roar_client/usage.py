"""What is wrong with the words of a command line, and what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from roar_client.errors import USAGE, ClientError
from roar_client.table import COMMANDS

if TYPE_CHECKING:
    import typer

SAME_ELSEWHERE = {
    "create": "init",
    "exec": "run",
    "find": "search",
    "graph": "dag",
    "history": "log",
    "jobs": "log",
    "list": "log",
    "ls": "log",
    "record": "run",
    "repro": "rerun",
    "st": "status",
    "undo": "pop",
    "version": "--version",
}
"""What other tools call a command."""
CLOSE = 0.65
"""How much two words must have in common, of 1, for one to be meant by the other."""
_EXTRA = re.compile(r"got unexpected extra arguments?(?:\(s\))? \((.*)\)", re.DOTALL | re.IGNORECASE)
_COMMAND = re.compile(r"no such command '(.*?)'", re.DOTALL | re.IGNORECASE)


def unknown_command(name: str, rest: Sequence[str]) -> ClientError:
    """Returns the error for a first word that is no command; rest: those after it."""
    if name.startswith("-"):
        return _usage(f"no option `{name}` before a command", _option_hint(name, rest))
    if not name:
        return _usage("the command is empty", "`roar --help` lists the commands")
    return _usage(f"no command `{name}`", f"{_command_hint(name, rest)}`roar --help` lists the commands")


def of_parser(name: str, error: typer.TyperException) -> ClientError:
    """Returns what the parser of the command `name` found; of its own words only those that say it well."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else f"roar {name}"
    see = f"see `{path} --help`"
    commands: dict[str, object] = getattr(context.command, "commands", {}) if context else {}
    message = error.format_message()
    # The error for a missing value has the name of an option too, and no other ones to choose from.
    if hasattr(error, "possibilities") and hasattr(error, "option_name"):
        options = [option for parameter in context.command.params for option in parameter.opts] if context else []
        return _usage(f"`{path}` has no option `{error.option_name}`", f"{_alike('', error.option_name, options)}{see}")
    if typed := _COMMAND.match(message):
        return _usage(f"`{path}` has no command `{typed[1]}`", f"{_alike(f'{path} ', typed[1], commands)}{see}")
    if commands and message.lower().startswith("missing command"):
        return _usage("missing command", f"`{path}` has {', '.join(commands)}; {see}")
    if extra := _EXTRA.match(message):
        return _usage(f"more words than `{path}` takes: `{extra[1]}`", see)
    return _usage(_worded(message), see)


def _usage(fact: str, hint: str) -> ClientError:
    return ClientError("usage", fact, hint=hint, exit_code=USAGE)


def _option_hint(name: str, rest: Sequence[str]) -> str:
    command = next((word for word in rest if word in COMMANDS), "")
    if command:
        return f"options follow the command: `roar {command} {name}`"
    return f"{_alike('roar ', name, ('--help', '--version'))}see `roar --help`"


def _command_hint(name: str, rest: Sequence[str]) -> str:
    if name in SAME_ELSEWHERE:
        return f"did you mean `roar {SAME_ELSEWHERE[name]}`? "
    alike = _alike("roar ", name, COMMANDS, most=2)
    from shlex import join
    from shutil import which

    return f"{alike}to record a command: `roar run {join([name, *rest])}`; " if which(name) else alike


def _alike(before: str, typed: str, known: Iterable[str], *, most: int = 1) -> str:
    """Returns "did you mean `...`? ", or nothing when no known word is close."""
    from difflib import get_close_matches

    close = get_close_matches(typed.lower(), list(known), n=most, cutoff=CLOSE)
    return f"did you mean {' or '.join(f'`{before}{word}`' for word in close)}? " if close else ""


def _worded(message: str) -> str:
    """Returns a message of the parser in the form of all others."""
    fact = " ".join(message.split()).rstrip(".").replace("'", "`")
    fact = re.sub(r"is not a valid int(eger)?( range)?$", "is not a whole number", fact)
    return fact[:1].lower() + fact[1:]
