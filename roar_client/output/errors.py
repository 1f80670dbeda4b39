"""The one form of an error: `error[reason]: fact`, its cause, a hint."""

from __future__ import annotations

import contextlib
import os
import sys

from roar_client.errors import ClientError
from roar_client.output.text import visible

RED, CYAN, PLAIN = "\x1b[1;31m", "\x1b[36m", "\x1b[0m"


def show_error(error: ClientError) -> None:
    """Prints it on stderr, after everything that went to stdout before it."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.stderr.write("\n".join(_lines(error, colour=_wants_colour())) + "\n")


def _lines(error: ClientError, *, colour: bool) -> list[str]:
    red, cyan, plain = (RED, CYAN, PLAIN) if colour else ("", "", "")
    lines = [f"{red}error[{error.reason}]{plain}: {visible(error.fact)}"]
    lines += [f"  {visible(cause)}" for cause in error.cause.splitlines()]
    if error.hint:
        lines.append(f"{cyan}hint{plain}: {visible(error.hint)}")
    return lines


def _wants_colour() -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stderr.isatty() and os.environ.get("TERM") != "dumb")
