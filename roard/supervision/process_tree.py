"""What the processes of a run use now, as /proc tells: a look of some milliseconds, for whoever watches.

Processes come and go while they are looked at, and some belong to others: what cannot be read is left out.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MOST_FILES = 100
"""Open files that are told of one run."""
OWN = frozenset({b"roar-keeper", b"roar-ptrace", b"roar-witness"})
"""Names of what stands beside the command to look at it (tracers/ptrace, {keeper,witness}.rs of tracers/launcher)."""
_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_WRITING = os.O_WRONLY | os.O_RDWR


@dataclass(frozen=True, slots=True)
class Usage:
    """What processes use, and used until now; of those that have ended, what their parents inherited."""

    processes: int
    threads: int
    cpu_ns: int
    rss_bytes: int
    read_bytes: int
    written_bytes: int
    at_ns: int
    """Monotonic clock."""


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A regular file that a process has open."""

    path: bytes
    size: int
    position: int
    written: bool


@dataclass(frozen=True, slots=True)
class Look:
    """A run as it is now."""

    usage: Usage | None
    """None: none of its processes can be seen."""
    files: tuple[OpenFile, ...]
    """Those being written first, then by path."""


NOTHING = Look(None, ())


def look(launcher_pid: int, run_dir: bytes) -> Look:
    """Returns what the children of a launcher, and theirs, use; not the launcher itself.

    run_dir: files in it are roar's own and left out.
    """
    own = os.path.join(run_dir, b"")
    seen = [process for pid in _descendants(launcher_pid) if (process := _process(pid))]
    if not seen:
        return NOTHING
    usage = Usage(
        processes=len(seen),
        threads=sum(process.threads for process in seen),
        cpu_ns=sum(process.cpu_ns for process in seen),
        rss_bytes=sum(process.rss_bytes for process in seen),
        read_bytes=sum(process.read_bytes for process in seen),
        written_bytes=sum(process.written_bytes for process in seen),
        at_ns=time.monotonic_ns(),
    )
    return Look(usage, _each_once(file for process in seen for file in process.files if not file.path.startswith(own)))


@dataclass(frozen=True, slots=True)
class _Process:
    threads: int
    cpu_ns: int
    rss_bytes: int
    read_bytes: int
    written_bytes: int
    files: tuple[OpenFile, ...]


def _descendants(pid: int) -> Iterator[int]:
    """Yields the processes below one, parents first. proc_pid_task(5): may miss one that is born or dies meanwhile."""
    for child in _children(pid):
        yield child
        yield from _descendants(child)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += map(int, _read(f"/proc/{pid}/task/{thread}/children").split())
    return found


def _process(pid: int) -> _Process | None:
    """Returns one process; None: it has ended, or has just begun."""
    try:
        head, _, rest = _read(f"/proc/{pid}/stat").rpartition(b")")
    except OSError:
        return None
    # The name may hold anything, so fields are counted behind it; proc_pid_stat(5) calls the state, the first, 3.
    name, fields = head.partition(b"(")[2], rest.split()
    if fields[0] in {b"Z", b"X"} or name in OWN:
        return None
    ticks = sum(map(int, fields[11:15]))
    moved = _moved(pid)
    return _Process(
        threads=int(fields[17]),
        cpu_ns=ticks * _TICK_NS,
        rss_bytes=int(fields[21]) * _PAGE_BYTES,
        read_bytes=moved.get(b"rchar", 0),
        written_bytes=moved.get(b"wchar", 0),
        files=tuple(_open_files(pid)),
    )


def _moved(pid: int) -> dict[bytes, int]:
    """Returns the counters of proc_pid_io(5); none of a process that is not ours to look into."""
    with contextlib.suppress(OSError):
        lines = _read(f"/proc/{pid}/io").splitlines()
        return {name: int(value) for name, _, value in (line.partition(b": ") for line in lines)}
    return {}


def _open_files(pid: int) -> Iterator[OpenFile]:
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                yield from _open_file(pid, fd)


def _open_file(pid: int, fd: str) -> Iterator[OpenFile]:
    link = f"/proc/{pid}/fd/{fd}"
    path = os.readlink(os.fsencode(link))
    # Pipes and sockets have no path; asking some devices what they are can block.
    if not path.startswith(b"/") or path.startswith(b"/dev/"):
        return
    found = os.stat(link)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink == 0:
        return
    facts = dict(
        line.split()[:2]
        for line in _read(f"/proc/{pid}/fdinfo/{fd}").splitlines()
        if line.startswith((b"pos:", b"flags:"))
    )
    written = bool(int(facts[b"flags:"], 8) & _WRITING)
    yield OpenFile(path, found.st_size, int(facts[b"pos:"]), written)


def _each_once(files: Iterable[OpenFile]) -> tuple[OpenFile, ...]:
    """Returns every path once, with the farthest position."""
    by_path: dict[bytes, OpenFile] = {}
    for file in files:
        known = by_path.get(file.path)
        if known is None or (file.written, file.position) > (known.written, known.position):
            by_path[file.path] = file
    in_order = sorted(by_path.values(), key=lambda file: (not file.written, file.path))
    return tuple(in_order[:MOST_FILES])


def _read(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.readall()
