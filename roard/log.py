"""The daemon's log: a file that rotates, and the journal where a service manager has started the daemon.

Commands, values of the environment and tokens are never written: people paste logs into bug reports.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import sys
from typing import ClassVar

from roard.paths import state_dir

LOG_BYTES = 1 << 20
LOG_FILES = 3
_LINE = "%(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s: %(message)s"


def open_log(runtime_dir: bytes, *, is_service: bool) -> bytes:
    """Sends the log to the state directory, else to the runtime directory; returns its path, or nothing.

    A service's log goes to standard error, too, for the journal.
    """
    file = _open_file(state_dir()) or _open_file(runtime_dir)
    handlers: list[logging.Handler] = [file] if file else []
    if is_service or _is_journal(sys.stderr.fileno()):
        journal = logging.StreamHandler()
        journal.setFormatter(_JournalFormatter("%(name)s: %(message)s"))
        handlers.append(journal)
    logging.basicConfig(level=logging.INFO, handlers=handlers or [logging.NullHandler()], force=True)
    # A full disk must not stop the daemon, and mostly it has no standard error to complain to.
    logging.raiseExceptions = False
    return os.fsencode(file.baseFilename) if file else b""


def _open_file(directory: bytes) -> logging.handlers.RotatingFileHandler | None:
    path = os.fsdecode(os.path.join(directory, b"roard.log"))
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        file = logging.handlers.RotatingFileHandler(
            path, maxBytes=LOG_BYTES, backupCount=LOG_FILES - 1, encoding="utf-8", errors="replace"
        )
    except OSError:
        return None
    file.setFormatter(logging.Formatter(_LINE, "%Y-%m-%dT%H:%M:%S"))
    return file


def _is_journal(fd: int) -> bool:
    """Returns whether a descriptor is the stream to the journal that a service was given; children inherit the word."""
    try:
        found = os.fstat(fd)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


class _JournalFormatter(logging.Formatter):
    """Puts before each line the priority that the journal reads there, see sd-daemon(3); it knows time and process."""

    _PRIORITIES: ClassVar = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6}

    def format(self, record: logging.LogRecord) -> str:
        priority = self._PRIORITIES.get(record.levelno, 7)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())
