"""Places where tests make the daemon die, fail or wait: ROAR_FAILPOINTS="commit.done=kill@3,cache.commit=error:ENOSPC".

Nothing happens at a place unless that variable names it. Actions: `kill` (SIGKILL to this process), `error:ERRNO` (an
OSError), `pause:FIFO` (until the FIFO is opened for writing and closed again). `@N`: at the Nth time only, else every
time. The launcher has such places too, `launcher.*` (tracers/trace/src/failpoint.rs).
"""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

VARIABLE = "ROAR_FAILPOINTS"
OF_THE_LAUNCHER = "launcher."
NAMES = (
    "start.token-written",
    "start.socket-bound",
    "start.socket-named",
    "registry.written",
    "registry.renamed",
    "project.directory-made",
    "project.files-made",
    "database.made",
    "database.renamed",
    "backup.copied",
    "backup.named",
    "migration.applied",
    "migration.done",
    "begin.planned",
    "git.noted",
    "fold.begin",
    "fold.done",
    "record.read",
    "record.hashed",
    "objects.staged",
    "objects.renamed",
    "record.kept",
    "cache.commit",
    "cache.committed",
    "write.begun",
    "write.session",
    "write.step",
    "write.artifacts",
    "write.job",
    "write.inputs",
    "write.outputs",
    "write.dropped",
    "write.processes",
    "write.warnings",
    "write.session-files",
    "write.session-hash",
    "commit.begin",
    "commit.done",
    "remove.begin",
    "remove.renamed",
    "remove.done",
    "quarantine.begin",
    "quarantine.renamed",
    "finish.acknowledge",
    "pop.judged",
    "pop.taken-out",
    "pop.committed",
    "pop.moved",
    "pop.done",
    "undo.checked",
    "undo.restored",
    "undo.put-back",
    "undo.committed",
    "undo.done",
    "restore.checked",
    "restore.staged",
    "restore.renamed",
    "restore.done",
)
"""In the order in which a daemon passes them, more or less."""


@dataclass
class _Armed:
    """A place where something is to happen."""

    act: Callable[[], None]
    at: int
    """Which time, from 1; 0: every time."""
    passed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def is_due(self) -> bool:
        """Counts one more passing."""
        with self.lock:
            self.passed += 1
            return self.at in {0, self.passed}


def parse(wanted: str) -> Mapping[str, _Armed]:
    """Returns what a value of the variable arms. Raises ValueError for a name, action or number that is none."""
    armed = {}
    for item in filter(None, wanted.split(",")):
        name, _, action = item.partition("=")
        if name.startswith(OF_THE_LAUNCHER):
            continue
        if name not in NAMES:
            raise ValueError(f"{VARIABLE}: there is no failpoint `{name}`")
        action, _, at = action.partition("@")
        armed[name] = _Armed(_action(action, name), int(at or 0))
    return armed


def _action(text: str, name: str) -> Callable[[], None]:
    verb, _, operand = text.partition(":")
    if verb == "kill":
        return lambda: os.kill(os.getpid(), signal.SIGKILL)
    if verb == "pause" and operand:
        return lambda: _pause(operand)
    number = getattr(errno, operand, None)
    if verb == "error" and isinstance(number, int):
        return lambda: _fail(number, name)
    raise ValueError(f"{VARIABLE}: `{text}` is no action")


def _fail(number: int, name: str) -> None:
    raise OSError(number, os.strerror(number), name)


def _pause(fifo: str) -> None:
    with open(fifo, "rb") as gate:
        gate.read()


_ARMED = parse(os.environ.get(VARIABLE, ""))


def failpoint(name: str) -> None:
    """Does what the place of this name is armed with. Raises OSError when that is an error."""
    if _ARMED and (armed := _ARMED.get(name)) and armed.is_due():
        armed.act()
