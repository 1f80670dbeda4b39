"""The native `roar` beside this program."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from roar_client.errors import ClientError

NOT_STARTED = 125


def launcher() -> str:
    """Returns where it is to be, whether it is there or not."""
    return os.path.join(os.path.dirname(os.path.realpath(sys.argv[0])), "roar")


def become_launcher(words: Sequence[str]) -> NoReturn:
    """Becomes it. Raises ClientError when there is none."""
    program = launcher()
    try:
        os.execv(program, ["roar", *words])  # noqa: S606  # no shell wanted: the words are the command's own
    except OSError as error:
        raise not_launched(program, error) from None


def not_launched(program: str, error: OSError) -> ClientError:
    """Returns the error for a launcher that cannot be executed."""
    return ClientError(
        "no-launcher",
        f"cannot run `{program}`",
        cause=error.strerror or "",
        hint="install roar again: its native part is missing beside this program",
        exit_code=NOT_STARTED,
    )
