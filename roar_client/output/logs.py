"""The daemon's log."""

from __future__ import annotations

import os
import sys
import time
from typing import BinaryIO

from roar_client.errors import ClientError, shown

_BLOCK = 1 << 16
_LOOK_AGAIN_S = 0.2
_ROTATED = 9
"""More than the daemon keeps."""


def show_log(path: bytes, *, lines: int, follow: bool) -> None:
    """Prints the last lines of a log and, when following, what is added until the user interrupts."""
    with _open(path) as file:
        _print(_tail(file, lines))
        while follow:
            file = _followed(file, path)  # noqa: PLW2901  which closes the other


def _open(path: bytes) -> BinaryIO:
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise ClientError("no-log", f"there is no log at `{shown(path)}`", hint="no daemon has run yet") from None


def _followed(file: BinaryIO, path: bytes) -> BinaryIO:
    """Prints what is added to a log until it is rotated, and returns the next file of it, at its beginning.

    That need not be the one in which is written now: between two looks, a log can be rotated more than once.
    """
    while True:
        # Looked for first, so that what was added until then is not lost.
        newer = _next_file(file, path)
        _print(file.read())
        if newer is not None:
            file.close()
            return newer
        time.sleep(_LOOK_AGAIN_S)


def _next_file(file: BinaryIO, path: bytes) -> BinaryIO | None:
    """Returns the file that was begun after this one, None: there is none yet.

    Rotated files are called PATH.1, PATH.2 and so on, from new to old. The one that is open here keeps its inode.
    """
    newer: BinaryIO | None = None
    for name in [path, *(path + b".%d" % number for number in range(1, _ROTATED + 1))]:
        try:
            candidate = open(name, "rb")  # noqa: SIM115  it is returned, or closed
        except FileNotFoundError:
            # In the middle of a rotation, or the oldest is reached.
            continue
        if os.path.sameopenfile(candidate.fileno(), file.fileno()):
            candidate.close()
            return newer
        if newer is not None:
            newer.close()
        newer = candidate
    # So much was written that its successor is gone: what is left is shown from its beginning.
    return newer


def _tail(file: BinaryIO, lines: int) -> bytes:
    """Returns the last lines and leaves the file at its end."""
    place = file.seek(0, os.SEEK_END)
    found = b""
    while place and found.count(b"\n") <= lines:
        start = max(place - _BLOCK, 0)
        file.seek(start)
        found = file.read(place - start) + found
        place = start
    file.seek(0, os.SEEK_END)
    return b"".join(found.splitlines(keepends=True)[-lines:]) if lines else b""


def _print(content: bytes) -> None:
    sys.stdout.write(content.decode("utf-8", "replace"))
    sys.stdout.flush()
