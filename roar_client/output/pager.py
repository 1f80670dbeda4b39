"""Shows text that is taller than the terminal a page at a time."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys


def page(text: str) -> None:
    """Prints text, through ROAR_PAGER, PAGER or less when it does not leave room for the prompt below it."""
    if text.count("\n") < shutil.get_terminal_size().lines:
        sys.stdout.write(text)
        return
    words = shlex.split(os.environ.get("ROAR_PAGER") or os.environ.get("PAGER") or "less")
    try:
        # F: end at once when it fits after all; R: colours; X: leave it on the screen. As git does.
        pager = subprocess.Popen(words, stdin=subprocess.PIPE, env={"LESS": "FRX", **os.environ})
    except OSError:
        sys.stdout.write(text)
        return
    with contextlib.suppress(BrokenPipeError):
        pager.communicate(text.encode(sys.stdout.encoding or "utf-8", "backslashreplace"))
    while True:
        # Ctrl-C is the pager's business.
        with contextlib.suppress(KeyboardInterrupt):
            pager.wait()
            return
