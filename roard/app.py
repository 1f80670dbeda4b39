"""The composition root: makes the parts of the daemon, serves, and takes them down again."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import logging
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
from roar_proto.v1 import daemon_pb2_grpc, tracers_pb2_grpc

from roard import memory
from roard.hashing.pool import HashPool
from roard.lifecycle import RuntimeDir, announce, exit_now
from roard.paths import state_dir
from roard.projects import Projects
from roard.service.daemon import DaemonServicer, Identity, resident_bytes
from roard.service.interceptors import Gate
from roard.service.tracers import TracerServicer
from roard.supervision.collector import Collector
from roard.supervision.registry import Registry
from roard.supervision.runs import Runs
from roard.supervision.tracers import Tracers

log = logging.getLogger(__name__)

THREADS = 16
TICK_S = 5.0
DRAIN_S = 4.0
IDLE_EXIT_S = 1800.0
REST_S = 60.0
"""After so long without a call the daemon gives memory back; ROAR_REST_S says otherwise."""
GC_THRESHOLD = 10_000
"""Objects made between two searches for garbage: with ten times as many, the daemon stays 10 MiB larger."""
_OPTIONS = (
    ("grpc.max_receive_message_length", 64 << 20),
    # A job with 100,000 files is larger than the 4 MiB that grpc allows by default.
    ("grpc.max_send_message_length", -1),
)


class App:
    """The parts of a running daemon."""

    def __init__(self, runtime: RuntimeDir, log_path: bytes) -> None:
        self._runtime = runtime
        self._stop = asyncio.Event()
        self._projects = Projects(HashPool())
        self._collector = Collector(runtime.path)
        self._tracers = Tracers(self._collector)
        self._runs = Runs(self._projects, Registry(os.path.join(state_dir(), b"projects")), self._tracers)
        self._gate = Gate(runtime.write_token(), os.fsdecode(log_path))
        self._server = grpc.aio.server(interceptors=[self._gate], options=_OPTIONS)
        identity = Identity(runtime.socket, log_path)
        daemon_pb2_grpc.add_DaemonServiceServicer_to_server(
            DaemonServicer(identity, self._runs, self._stop), self._server
        )
        tracers_pb2_grpc.add_TracerServiceServicer_to_server(TracerServicer(self._tracers), self._server)

    async def serve(self, ready_fd: int | None) -> None:
        """Serves until somebody asks for an end, the socket is lost, or nothing has happened for long."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="work"))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        inode = await self._listen()
        announce(ready_fd, "ok")
        log.info("ready at %s", os.fsdecode(self._runtime.socket))
        background = [loop.create_task(work) for work in (self._load(), self._probe(), self._housekeeping(inode))]
        for task in background:
            task.add_done_callback(self._background_ended)
        await self._stop.wait()
        for task in background:
            task.cancel()
        await self._end(inode)

    async def _listen(self) -> int:
        """Binds the socket under a name of its own, and gives it the known one when it answers; returns its inode."""
        target = os.fsdecode(self._runtime.unnamed_socket).replace("%", "%25")
        before = os.umask(0o077)
        try:
            self._server.add_insecure_port(f"unix:{target}")
        finally:
            os.umask(before)
        await self._server.start()
        return self._runtime.name_socket()

    async def _load(self) -> None:
        """Adds the services that need the database, whose import takes twice as long as everything before."""
        module = await asyncio.to_thread(importlib.import_module, "roard.service.database")
        module.add_services(self._server, self._runs)
        # What is loaded by now stays. Searching it for garbage again and again takes a quarter of a large recording.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_THRESHOLD)
        self._gate.loaded.set()
        await self._runs.sweep_known()

    async def _probe(self) -> None:
        """Starts the collector and finds out which backends work, after what the first run may be waiting for."""
        await self._gate.loaded.wait()
        await self._tracers.probe()

    def _background_ended(self, task: asyncio.Task[None]) -> None:
        """Ends the daemon when it cannot do its work: the next client starts another."""
        if not task.cancelled() and (error := task.exception()):
            log.error("background work failed", exc_info=error)
            self._stop.set()

    async def _housekeeping(self, inode: int) -> None:
        """Looks after runs, and ends the daemon when it is idle or cannot be reached any more."""
        idle_exit_s = float(os.environ.get("ROAR_IDLE_EXIT_S", IDLE_EXIT_S))
        rest_s = float(os.environ.get("ROAR_REST_S", REST_S))
        rested_after = -1.0
        while True:
            await asyncio.sleep(min(TICK_S, idle_exit_s))
            closed = await self._runs.tick()
            idle_s = time.monotonic() - self._gate.last_call
            is_quiet = self._gate.calls == 0 and self._runs.is_quiet
            if is_quiet and idle_s >= rest_s and (closed or rested_after != self._gate.last_call):
                rested_after = self._gate.last_call
                # On the loop itself: no other thread of ours works meanwhile, see there.
                memory.give_back()
                log.info("at rest with %.0f MiB", resident_bytes() / (1 << 20))
            if self._gate.calls == 0 and not self._runs.in_flight() and idle_s >= idle_exit_s:
                log.info("idle for %.0f s", idle_s)
                self._stop.set()
            if not self._runtime.has_socket(inode):
                log.warning("the socket is gone or not ours any more")
                self._stop.set()

    async def _end(self, inode: int) -> None:
        """Takes the socket away, finishes the recordings under way, and exits; runs themselves go on."""
        log.info("stopping, %d runs in flight", len(self._runs.in_flight()))
        self._gate.stopping = True
        with contextlib.suppress(OSError):
            self._runtime.remove_socket(inode)
        drained = await self._runs.drain(DRAIN_S)
        self._collector.close()
        await self._server.stop(grace=0.5)
        if drained:
            self._projects.close()
        log.info("ended")
        exit_now(0)
