"""Runs what is out of date: asks the daemon what that is, has the launcher run the first of it, and asks again."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from roar_proto.v1 import sessions_pb2

from roar_client.connection import connect
from roar_client.errors import FAILED
from roar_client.launcher import launcher, not_launched
from roar_client.output.rerun import show_done, show_remaining, show_stopped

INTERRUPTED = 130


class Pipeline:
    """One call of `roar rerun --stale`."""

    def __init__(self, request: sessions_pb2.ListOutdatedStepsRequest) -> None:
        self._request = request
        self._done: list[str] = []
        self._child: subprocess.Popen[bytes] | None = None
        self._asked_to_end = False

    def run(self) -> int:
        """Runs every outdated step once, and returns the exit status."""
        with self._signals():
            while True:
                outdated = self._outdated()
                step = next((found.step.step for found in outdated if found.step.step not in self._done), None)
                if step is None:
                    return self._end(outdated)
                status = self._run(step)
                self._done.append(step)
                if status or self._asked_to_end:
                    return self._stop(step, status)

    def _stop(self, step: str, status: int) -> int:
        """Says why nothing more is run, and what is left."""
        interrupted = self._asked_to_end or status in _STOPPED
        how = f"{step} did not end well" if status and not interrupted else f"interrupted at {step}"
        show_stopped(how, [left.step.step for left in self._outdated() if left.step.step != step])
        return INTERRUPTED if interrupted else FAILED

    def _end(self, outdated: Sequence[sessions_pb2.OutdatedStep]) -> int:
        """Says how it went. A step that is still out of date reads what a later one writes."""
        show_done(self._done, self._request.steps)
        show_remaining(outdated)
        return FAILED if outdated else 0

    def _outdated(self) -> Sequence[sessions_pb2.OutdatedStep]:
        # Connected anew each time: a command may run for days, and a daemon that nobody asks anything ends.
        with connect() as daemon:
            return daemon.call(daemon.sessions.ListOutdatedSteps, self._request).steps

    def _run(self, step: str) -> int:
        """Returns the exit status of a step; negative: the signal that ended it."""
        words = [launcher(), "build" if step.startswith("@B") else "run", step]
        try:
            self._child = subprocess.Popen(words)
        except OSError as error:
            raise not_launched(words[0], error) from None
        try:
            return self._child.wait()
        finally:
            self._child = None

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Ends after the step that runs. A terminal's Ctrl-C reaches that by itself; others are passed on."""
        handled = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [signal.signal(number, self._on_signal) for number in handled]
        try:
            yield
        finally:
            for number, handler in zip(handled, before, strict=True):
                signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._asked_to_end = True
        if self._child is None:
            raise KeyboardInterrupt
        if number != signal.SIGINT:
            self._child.send_signal(number)


_STOPPED = {-int(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)}
