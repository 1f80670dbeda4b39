"""What is known of the backends here: found out by tracing a real program, remembered while the daemon lives."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from roard.errors import UnknownTracer
from roard.supervision.collector import Collector
from roard.supervision.ingest import find_launcher
from roard.supervision.plan import BACKENDS, Probed

log = logging.getLogger(__name__)

PROBE_PATIENCE_S = 20.0
EBPF = "ebpf"
BLIND_TO: Mapping[str, Sequence[str]] = {
    "ebpf": ("events beyond what the kernel's buffer holds when the machine is overloaded: counted and said",),
    "preload": (
        "io_uring, and setuid programs: said",
        "static and Go programs, unless ptrace can take them over: said",
        "system calls that a program makes without libc",
    ),
    "ptrace": ("io_uring: said", "what strace, gdb or a debugger inside the job looks at: said"),
}
"""By their nature; "said": with a warning in the record."""


@dataclass
class Tracers:
    """The outcome of the last probe of every backend. Lives on the event loop."""

    collector: Collector
    _probed: dict[str, Probed] = field(default_factory=dict)
    _probing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def known(self) -> Mapping[str, Probed]:
        """Returns what is known now, by name; read by every run that begins."""
        lost = self.collector.state
        if EBPF in self._probed and not lost.usable:
            return {**self._probed, EBPF: replace(self._probed[EBPF], usable=False, reason=lost.reason)}
        return dict(self._probed)

    async def probe(self, names: Sequence[str] = BACKENDS) -> None:
        """Probes backends anew, one after the other. Raises UnknownTracer."""
        for name in names:
            if name not in BACKENDS:
                raise UnknownTracer(name, BACKENDS)
        async with self._probing:
            for name in names:
                await self._find_out(name)

    async def all_known(self) -> Mapping[str, Probed]:
        """Returns the outcome for every backend; probes those that nobody has probed yet."""
        async with self._probing:
            for name in BACKENDS:
                if name not in self._probed:
                    await self._find_out(name)
        return self.known()

    async def _find_out(self, name: str) -> None:
        self._probed[name] = await self._probe(name)
        log.info("%s: %s", name, self._probed[name].reason or "works")

    async def _probe(self, name: str) -> Probed:
        started = time.monotonic_ns()
        problem = ""
        if name == EBPF and not (state := await self.collector.start()).usable:
            problem = state.reason
        problem = problem or await asyncio.to_thread(_problem, name)
        took = time.monotonic_ns() - started
        return Probed(not problem, problem, _hint(name) if problem else "", time.time_ns(), took)


def _problem(name: str) -> str:
    """Has the launcher trace a small program with a backend, and compare what it saw with what was done.

    Returns why the backend does not work, in one line; empty when it does.
    """
    launcher = find_launcher()
    if launcher is None:
        return "the program `roar` is neither beside `roard` nor on PATH"
    try:
        done = subprocess.run(
            [launcher, "internal-probe", name],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_PATIENCE_S,
            start_new_session=True,
            check=False,
        )
    except OSError as error:
        return f"`{launcher}` cannot be started: {error.strerror}"
    except subprocess.TimeoutExpired:
        return f"the probe did not end within {PROBE_PATIENCE_S:.0f} s"
    if done.returncode == 0:
        return ""
    said = [line for line in done.stdout.decode("utf-8", "replace").splitlines() if line]
    return said[-1] if said else f"the probe ended with {done.returncode}"


def _hint(name: str) -> str:
    if name == EBPF:
        if os.geteuid() == 0:
            return "it needs a kernel with BTF (/sys/kernel/btf/vmlinux), CAP_BPF and CAP_PERFMON"
        return "run `roar tracer setup ebpf`"
    if name == "ptrace":
        return "allow ptrace(2): in a container `--cap-add SYS_PTRACE`, or a seccomp profile that lets it through"
    return "install roar again if its shim is missing; `roar daemon logs` may say more"
