"""Replaces a file of the user's in one step."""

from __future__ import annotations

import contextlib
import os
import threading


def replace_file(path: bytes, content: bytes) -> None:
    """Writes a file so that whoever reads it sees the old or the new one, also after a power failure.

    A link stays a link, and a file keeps its mode. Raises OSError, and the old file is there.
    """
    path = os.path.realpath(path)
    temporary = b"%s.%d.%d" % (path, os.getpid(), threading.get_ident())
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(path):
            os.chmod(temporary, os.stat(path).st_mode & 0o7777)
        os.rename(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
