"""The composition root: makes the parts of the daemon, serves, and takes them down again."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import logging
import os
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
from roar_proto.v1 import config_pb2_grpc, daemon_pb2_grpc, tracers_pb2_grpc

from roard import memory
from roard.context.machine import machine
from roard.hashing.pool import HashPool
from roard.lifecycle import Start, announce, exit_now
from roard.notify import notify
from roard.paths import state_dir
from roard.projects import Projects
from roard.service.config import ConfigServicer
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
LOOK_S = 1.0
"""Between two looks at the socket."""
DRAIN_S = 3.0
IDLE_EXIT_S = 1800.0
REST_S = 60.0
"""After so long without a call the daemon gives memory back; ROAR_REST_S says otherwise."""
GC_THRESHOLD = 10_000
"""Objects made between two searches for garbage: with ten times as many, the daemon stays 10 MiB larger."""
MOST_REQUEST_BYTES = 16 << 20
"""A command line has 6 MiB at most, and nothing else that is asked is as long."""
_OPTIONS = (
    ("grpc.max_receive_message_length", MOST_REQUEST_BYTES),
    # A job with 100,000 files is larger than the 4 MiB that grpc allows by default.
    ("grpc.max_send_message_length", -1),
)


class App:
    """The parts of a running daemon."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._runtime = runtime = start.runtime
        self._stop = asyncio.Event()
        self._exit_status = 0
        self._projects = Projects(HashPool())
        self._collector = Collector(runtime.path, wanted=not start.private)
        self._tracers = Tracers(self._collector)
        # A private daemon knows of no other projects, and nobody after it is to know of its own.
        registry = os.path.join(runtime.path if start.private else state_dir(), b"projects")
        self._runs = Runs(self._projects, Registry(registry), self._tracers)
        self._gate = Gate(runtime.write_token(), os.fsdecode(start.log_path))
        self._server = grpc.aio.server(interceptors=[self._gate], options=_OPTIONS)
        identity = Identity(runtime.socket, start.log_path)
        daemon_pb2_grpc.add_DaemonServiceServicer_to_server(
            DaemonServicer(identity, self._runs, self._asked_to_end), self._server
        )
        tracers_pb2_grpc.add_TracerServiceServicer_to_server(TracerServicer(self._tracers), self._server)
        config_pb2_grpc.add_ConfigServiceServicer_to_server(ConfigServicer(), self._server)

    async def serve(self) -> None:
        """Serves until somebody asks for an end, the socket is lost, or nothing has happened for long."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="work"))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_end, signal.Signals(number).name)
        if self._start.private:
            loop.add_reader(0, self._asked_to_end, "the end of its command")
        inode = await self._listen()
        announce(self._start.ready_fd, "ok")
        log.info("ready at %s", os.fsdecode(self._runtime.socket))
        self._notify("READY=1", "STATUS=ready")
        work = [self._load(), self._housekeeping(), self._watch_socket(inode)]
        if not self._start.private:
            work.append(self._probe())
        background = [loop.create_task(one) for one in work]
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
        # The tools that tell of GPUs take up to seconds, which no run is to wait for.
        await asyncio.to_thread(machine)
        await self._runs.sweep_known()

    async def _probe(self) -> None:
        """Starts the collector and finds out which backends work, after what the first run may be waiting for."""
        await self._gate.loaded.wait()
        await self._tracers.all_known()

    def _asked_to_end(self, how: str) -> None:
        log.info("asked to end by %s", how)
        if self._start.private:
            # Else the end of file would be told again and again.
            asyncio.get_running_loop().remove_reader(0)
        self._stop.set()

    def _notify(self, *assignments: str) -> None:
        notify(self._start.service, *assignments)

    def _background_ended(self, task: asyncio.Task[None]) -> None:
        """Ends the daemon when it cannot do its work: the next client starts another."""
        if not task.cancelled() and (error := task.exception()):
            log.error("background work failed", exc_info=error)
            self._exit_status = 1
            self._stop.set()

    async def _housekeeping(self) -> None:
        """Looks after runs, and ends the daemon when it is idle."""
        idle_exit_s = float(os.environ.get("ROAR_IDLE_EXIT_S", IDLE_EXIT_S))
        rest_s = float(os.environ.get("ROAR_REST_S", REST_S))
        rested_after = -1.0
        while True:
            await asyncio.sleep(min(TICK_S, idle_exit_s))
            closed = await self._runs.tick()
            in_flight = len(self._runs.in_flight())
            self._notify(f"STATUS=runs in flight: {in_flight}, open projects: {len(self._projects.opened())}")
            idle_s = time.monotonic() - self._gate.last_call
            is_quiet = self._gate.calls == 0 and self._runs.is_quiet
            if is_quiet and idle_s >= rest_s and (closed or rested_after != self._gate.last_call):
                rested_after = self._gate.last_call
                memory.give_back()
                log.info("at rest with %.0f MiB", resident_bytes() / (1 << 20))
            if self._gate.calls == 0 and not in_flight and idle_s >= idle_exit_s:
                log.info("idle for %.0f s", idle_s)
                self._stop.set()

    async def _watch_socket(self, inode: int) -> None:
        """Ends the daemon when it cannot be reached any more: soon, as the next one waits for what this one holds."""
        while self._runtime.has_socket(inode):  # noqa: ASYNC110  whoever removes it tells nobody
            await asyncio.sleep(LOOK_S)
        log.warning("the socket is gone or not ours any more")
        # A service manager starts another after a failure; where one listens already, that would be in its way.
        self._exit_status = 0 if self._runtime.has_any_socket() else 1
        self._stop.set()

    async def _end(self, inode: int) -> None:
        """Takes the socket away, finishes the recordings under way, and exits; runs themselves go on."""
        log.info("stopping, %d runs in flight", len(self._runs.in_flight()))
        self._notify("STOPPING=1", "STATUS=finishing the recordings under way")
        self._gate.stopping = True
        with contextlib.suppress(OSError):
            self._runtime.remove_socket(inode)
        drained = await self._runs.drain(DRAIN_S)
        self._collector.close()
        await self._runs.early.close()
        await self._server.stop(grace=0.5)
        if drained:
            self._projects.close()
        log.info("ended")
        if self._start.private:
            # Who started it does the same, unless it was killed.
            shutil.rmtree(self._runtime.path, ignore_errors=True)
        exit_now(self._exit_status)
