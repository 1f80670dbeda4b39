"""The daemon's log."""

from __future__ import annotations

import os
import sys
import time
from typing import BinaryIO

from roar_client.errors import ClientError, shown

_BLOCK = 1 << 16
_LOOK_AGAIN_S = 0.2


def show_log(path: bytes, *, lines: int, follow: bool) -> None:
    """Prints the last lines of a file and, when following, what is added until the user interrupts."""
    with _open(path) as file:
        _print(_tail(file, lines))
        if follow:
            _follow(file, path)
    while follow:
        with _open(path) as file:
            _follow(file, path)


def _open(path: bytes) -> BinaryIO:
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise ClientError("no-log", f"there is no log at `{shown(path)}`", hint="no daemon has run yet") from None


def _follow(file: BinaryIO, path: bytes) -> None:
    """Prints what is added to the file until another one has taken its place."""
    replaced = False
    while not replaced:
        # Looked at first, so that what was added until then is not lost.
        replaced = _was_replaced(file, path)
        _print(file.read())
        if not replaced:
            time.sleep(_LOOK_AGAIN_S)


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


def _was_replaced(file: BinaryIO, path: bytes) -> bool:
    try:
        return os.fstat(file.fileno()).st_ino != os.stat(path).st_ino
    except FileNotFoundError:
        return False
