"""`roar-py`: picks the command, imports only its module, and turns every ending into an exit status."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from roar_client.errors import INTERRUPTED, ClientError
from roar_client.table import COMMANDS, Command

BROKEN_PIPE = 141
"""128 + SIGPIPE: whoever read the output has gone, as with `git log | head`."""


def main() -> NoReturn:
    """The console script."""
    # A name that the terminal's encoding does not have must not end a command.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    # The process lives for a fraction of a second: collecting garbage while importing costs a tenth of it.
    gc.disable()
    sys.exit(run(sys.argv[1:]))


def run(words: Sequence[str]) -> int:
    """Does what the words say and returns the exit status."""
    try:
        status = _dispatch(words)
        sys.stdout.flush()
    except ClientError as error:
        from roar_client.output.errors import show_error

        show_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The interpreter flushes stdout once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return status


def _dispatch(words: Sequence[str]) -> int:
    match words:
        case ["--version" | "-V", *_]:
            from roar_client.output.text import say
            from roar_client.version import version

            say(f"roar {version()}")
            return 0
        case [] | ["-h" | "--help" | "help"]:
            from roar_client.output.overview import show_overview

            show_overview()
            return 0
        case ["help", name, *_]:
            return _call(_known(name, []), ["--help"])
        case [name, *rest]:
            return _call(_known(name, rest), rest)
    raise AssertionError(words)


def _known(name: str, rest: Sequence[str]) -> Command:
    if name in COMMANDS:
        return COMMANDS[name]
    from roar_client.usage import unknown_command

    raise unknown_command(name, rest)


def _call(command: Command, words: Sequence[str]) -> int:
    if command.native:
        from roar_client.launcher import become_launcher

        become_launcher([command.name, *words])
    from importlib import import_module

    import typer

    parser = typer.main.get_command(import_module(command.module).app)
    try:
        with parser.make_context(f"roar {command.name}", list(words)) as context:
            parser.invoke(context)
    except typer.Exit as ending:
        return ending.exit_code
    except typer.Abort:
        # End of input at a question.
        return INTERRUPTED
    except typer.TyperException as error:
        from roar_client.usage import of_parser

        raise of_parser(command.name, error) from None
    return 0
