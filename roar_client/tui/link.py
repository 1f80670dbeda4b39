"""The connection of a program that stays: made again when the daemon has gone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import TypeVar

from roar_client.connection import Daemon, connect
from roar_client.errors import ClientError

T = TypeVar("T")
GONE = frozenset({"bad-token", "daemon-lost", "daemon-silent", "daemon-stopping", "no-daemon"})
"""Reasons that say nothing against the question: it can be asked again. The token is that of a daemon's life, and gRPC
finds the socket of the next one by itself."""


class Link:
    """Asks a daemon from any thread, starting one when there is none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = ExitStack()
        self._daemon: Daemon | None = None

    def ask(self, question: Callable[[Daemon], T]) -> T:
        """Returns what a question finds out. Raises ClientError; after one of GONE the next call connects anew."""
        with self._lock:
            if self._daemon is None:
                self._daemon = self._open.enter_context(connect())
            daemon = self._daemon
        try:
            return question(daemon)
        except ClientError as error:
            if error.reason in GONE:
                self._drop(daemon)
            raise

    def close(self) -> None:
        """Hangs up; whoever waits for an answer gets daemon-lost."""
        with self._lock:
            self._daemon = None
            self._open.close()

    def _drop(self, daemon: Daemon) -> None:
        with self._lock:
            # Another thread may have connected anew by now.
            if self._daemon is daemon:
                self._daemon = None
                self._open.close()
