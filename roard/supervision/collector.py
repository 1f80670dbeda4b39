"""The collector of eBPF events: started with the daemon, held as long as it lives, started again when it dies.

`state` says whether runs can be traced by eBPF now, and if not, why: what a plan and `roar tracer status` need to know.
One collector serves all runs of a user; it outlives a daemon as long as it has runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import select
import socket
import subprocess
import time
from dataclasses import dataclass

from roard.supervision.ingest import find_launcher
from roard.version import version

log = logging.getLogger(__name__)

PROGRAM = "roar-collector"
SOCKET = b"collector.sock"
LOAD_PATIENCE_S = 20.0
"""The programs are loaded and tested in a tenth of this on a slow machine."""
ANSWER_PATIENCE_S = 2.0
RESTART_S = 1.0
DEATHS_MAX = 5
"""So many within DEATHS_S, and it is not started again before that time is over."""
DEATHS_S = 60.0


@dataclass(frozen=True)
class CollectorState:
    """Whether the collector can take runs."""

    usable: bool
    reason: str
    """In one line: why not; when usable, what its self-test found."""


NOT_STARTED = CollectorState(usable=False, reason="the collector has not been started yet")
UNWANTED = CollectorState(usable=False, reason="a daemon of one command (ROAR_DAEMON=off) starts no collector")
LOST = CollectorState(usable=False, reason="the collector has ended, and is being started again")
UNBORN = CollectorState(usable=False, reason="the collector ended, or said nothing, while it started")
SILENT = CollectorState(usable=False, reason="the collector does not answer")
OCCUPIED = "another collector is here already"
"""One of another version that has runs left, or one that is about to end: it makes room."""


class Collector:
    """The daemon's hold on the collector. Lives on the event loop."""

    def __init__(self, runtime_dir: bytes, *, wanted: bool = True) -> None:
        self.state = NOT_STARTED if wanted else UNWANTED
        self._runtime_dir = runtime_dir
        self._hold: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = asyncio.Lock()
        self._deaths: list[float] = []
        self._restart: asyncio.Task[None] | None = None

    async def start(self) -> CollectorState:
        """Sees to it that a collector runs, if one can; returns the state. Does nothing when there is one."""
        async with self._starting:
            if self._hold is None and self.state is not UNWANTED:
                self.state = await asyncio.to_thread(self._find_or_start)
                log.info("collector: %s", self.state.reason)
                if self._hold is not None:
                    asyncio.get_running_loop().add_reader(self._hold, self._lost)
                elif self.state in {UNBORN, SILENT} or OCCUPIED in self.state.reason:
                    self._start_later()
        return self.state

    async def wait_for_start(self, seconds: float) -> None:
        """Waits for a start that is under way, or begins one; at most so long."""
        if not self.state.usable and self._restart is None:
            starting = asyncio.get_running_loop().create_task(self.start())
            await asyncio.wait([starting], timeout=seconds)

    def close(self) -> None:
        """Lets the collector go: it ends when it has no run left."""
        if self._restart:
            self._restart.cancel()
        if self._hold is not None:
            asyncio.get_running_loop().remove_reader(self._hold)
            self._hold.close()
            self._hold = None

    def _lost(self) -> None:
        """It sends nothing by itself, so that something to read is its end."""
        self.close()
        self.state = LOST
        log.warning("the collector has ended")
        self._start_later()

    def _start_later(self) -> None:
        now = time.monotonic()
        self._deaths = [death for death in self._deaths if now - death < DEATHS_S] + [now]
        self._restart = asyncio.get_running_loop().create_task(self._start_again())

    async def _start_again(self) -> None:
        await asyncio.sleep(RESTART_S if len(self._deaths) < DEATHS_MAX else DEATHS_S)
        if self._process is not None:
            self._process.poll()
        await self.start()

    def _find_or_start(self) -> CollectorState:
        """On a thread: takes hold of the collector that is there, else of a new one."""
        if self._take_hold():
            return CollectorState(usable=True, reason="loaded already")
        verdict = self._launch()
        if verdict.usable and not self._take_hold():
            return SILENT
        return verdict

    def _take_hold(self) -> bool:
        """Connects to a collector. False: there is none, or one of another version."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.settimeout(ANSWER_PATIENCE_S)
        try:
            connection.connect(os.path.join(self._runtime_dir, SOCKET))
            connection.send(b"hold " + version().encode())
            answer = connection.recv(4096)
        except OSError:
            answer = b""
        if answer != b"ok":
            connection.close()
            return False
        self._hold = connection
        return True

    def _launch(self) -> CollectorState:
        """Starts the program, and returns what it says of itself."""
        launcher = find_launcher()
        program = os.path.join(os.path.dirname(launcher), PROGRAM) if launcher else PROGRAM
        try:
            # A session of its own: it must outlive us, and whatever happens at our terminal.
            self._process = subprocess.Popen(
                [program, "--serve", self._runtime_dir],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            return CollectorState(usable=False, reason=f"`{program}`: {error.strerror}")
        return _verdict(self._process)


def _verdict(process: subprocess.Popen[bytes]) -> CollectorState:
    """Reads the one line that a collector says when it is ready, or cannot be."""
    assert process.stdout is not None
    with process.stdout as said:
        readable, _, _ = select.select([said], [], [], LOAD_PATIENCE_S)
        line = said.readline() if readable else b""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        verdict = json.loads(line)
        return CollectorState(usable=bool(verdict["usable"]), reason=str(verdict["reason"]))
    process.kill()
    process.wait()
    return UNBORN
