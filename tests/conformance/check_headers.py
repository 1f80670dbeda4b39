#!/usr/bin/env python3
"""Checks the headers of the cases without roar: by strace, and by the files before and after.

A second, simple implementation of the rules, on top of another tracer. It says where a header and what strace saw
differ; what strace cannot see either is listed in UNSEEN, and only its outputs are checked.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from runner import BASE

from roar_truth.case_file import Case, load_cases
from roar_truth.stage import (
    SECONDS,
    FileState,
    NotHereError,
    Stage,
    ended_as_declared,
    environment,
    make_project,
    redirected,
    scratch,
    snapshot,
    staged,
)

UNSEEN = {
    "io_uring_open": "no system call opens anything",
    "link_of_descriptor": "one of the paths is the number of a descriptor",
    "open_by_handle": "strace does not say what such a descriptor refers to",
    "names_beyond_path_max": "strace cannot name the file either",
    "proc_threads_close_at_once": "the descriptor is gone before strace looks at it",
    "root_mount_namespace": "strace names files as the job's own mounts do",
}
CALLS = "%file,%process,fchdir,open_by_handle_at"

CALL = re.compile(r"(\d+) +(\w+)\((.*)\) += (\d+)(?:<((?:\\x..)*)>)?")
UNFINISHED = re.compile(r"(\d+) +(\w+\(.*) <unfinished \.\.\.>")
RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)")
BASE_OR_NAME = re.compile(r'(?:AT_FDCWD|\b\d+)<((?:\\x..)*)>|"((?:\\x..)*)"')


@dataclass(frozen=True)
class Call:
    """A system call that succeeded."""

    pid: int
    name: str
    text: str
    """Its arguments, as strace prints them."""
    result: int
    opened: bytes
    """What the resulting descriptor refers to."""
    arguments: tuple[tuple[bytes, bytes], ...]
    """Paths, each with the directory that it is relative to, when the call named one."""


def calls_of(log: str) -> Iterator[Call]:
    """Yields the calls that succeeded, in the order in which they returned."""
    waiting: dict[str, str] = {}
    for line in log.splitlines():
        if broken := UNFINISHED.match(line):
            waiting[broken[1]] = broken[2]
            continue
        if resumed := RESUMED.match(line):
            line = f"{resumed[1]} {waiting.pop(resumed[1], '')}{resumed[2]}"  # noqa: PLW2901
        if done := CALL.match(line):
            pid, name, text, result, opened = done.groups()
            yield Call(int(pid), name, text, int(result), _bytes(opened or ""), tuple(_arguments(text)))


def _arguments(text: str) -> Iterator[tuple[bytes, bytes]]:
    base = b""
    for part in BASE_OR_NAME.finditer(text):
        if part[2] is None:
            base = _bytes(part[1])
        else:
            yield base, _bytes(part[2])
            base = b""


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


@dataclass
class Replay:
    """What the calls of a job did to the files that were there before it."""

    top: bytes
    before: Mapping[bytes, FileState]
    origin: dict[bytes, bytes] = field(default_factory=dict)
    """By path now: the name that the content there had before the job."""
    used: set[bytes] = field(default_factory=set)
    moved_to: set[bytes] = field(default_factory=set)
    cwd: dict[int, bytes] = field(default_factory=dict)
    parents: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.origin = {os.path.join(self.top, name): name for name in self.before}

    def play(self, calls: list[Call]) -> None:
        """Applies all calls."""
        self.parents = {call.result: call.pid for call in calls if re.fullmatch("v?fork|clone3?", call.name)}
        for call in calls:
            self._apply(call)

    def _apply(self, call: Call) -> None:
        if here := re.search(r"AT_FDCWD<((?:\\x..)*)>", call.text):
            self.cwd[call.pid] = _bytes(here[1])
        kind = re.sub(r"(_at|at2?|2)$", "", call.name)
        paths = [self._full(call.pid, base, name) for base, name in call.arguments]
        if kind in {"open", "creat", "open_by_handle"}:
            self._open(call.opened, "O_CREAT|O_TRUNC|O_WRONLY" if kind == "creat" else call.text)
        elif kind in {"exec", "execve"}:
            self._execute(paths[0], self._cwd(call.pid))
        elif kind == "rename":
            self._rename(paths[0], paths[1], exchange="RENAME_EXCHANGE" in call.text)
        elif kind == "link":
            self._link(os.path.realpath(paths[0]) if "AT_SYMLINK_FOLLOW" in call.text else paths[0], paths[1])
        elif kind == "unlink":
            self.origin.pop(paths[0], None)
        elif kind == "chdir":
            self.cwd[call.pid] = os.path.realpath(paths[0])
        elif kind == "fchdir":
            self.cwd[call.pid] = _bytes(call.text.partition("<")[2].rstrip(">"))

    def _cwd(self, pid: int) -> bytes:
        if pid not in self.cwd:
            self.cwd[pid] = self._cwd(self.parents[pid]) if pid in self.parents else self.top
        return self.cwd[pid]

    def _full(self, pid: int, base: bytes, name: bytes) -> bytes:
        """Joins as openat(2) does; links in the directory are followed as they lie after the job."""
        whole = os.path.join(base or self._cwd(pid), name).rstrip(b"/") or b"/"
        if not name or re.match(rb"/proc/(self|thread-self|\d+)/fd/", whole):
            return base
        folder, last = os.path.split(whole)
        return os.path.join(os.path.realpath(folder), last)

    def _open(self, path: bytes, flags: str) -> None:
        origin = self.origin.get(path)
        if origin is None or "O_PATH" in flags:
            return
        if "O_TRUNC" in flags:
            del self.origin[path]
        elif "O_RDONLY" in flags or ("O_RDWR" in flags and self.before[origin].size):
            self.used.add(origin)

    def _execute(self, path: bytes, cwd: bytes) -> None:
        """Marks a program and, as the kernel does, the interpreter that it names."""
        path = os.path.realpath(os.path.join(cwd, path))
        if path in self.origin:
            self.used.add(self.origin[path])
            first = Path(os.fsdecode(path)).read_bytes().partition(b"\n")[0]
            if first.startswith(b"#!"):
                self._execute(first[2:].split()[0], cwd)

    def _rename(self, old: bytes, new: bytes, *, exchange: bool) -> None:
        if self._one_file(old, new):
            return
        back = self._take(new)
        self._put(new, self._take(old))
        if exchange:
            self._put(old, back)

    def _one_file(self, one: bytes, other: bytes) -> bool:
        """Tells whether two paths are names of one file from before: such a rename does nothing."""
        states = [self.before[self.origin[path]] for path in (one, other) if path in self.origin]
        return len(states) == 2 and states[0].inode == states[1].inode

    def _take(self, path: bytes) -> dict[bytes, bytes]:
        """Removes what is at and below a path, by the rest of its path."""
        found = {name[len(path) :]: name for name in self.origin if name == path or name.startswith(path + b"/")}
        return {rest: self.origin.pop(name) for rest, name in found.items()}

    def _put(self, path: bytes, taken: Mapping[bytes, bytes]) -> None:
        for rest, origin in taken.items():
            self.origin[path + rest] = origin
            self.used.add(origin)
            self.moved_to.add(path + rest)

    def _link(self, old: bytes, new: bytes) -> None:
        if origin := self.origin.get(old):
            self.used.add(origin)
            self.origin[new] = origin


def inherited(stage: Stage) -> set[bytes]:
    """Returns the inputs that the redirections of the case make."""
    parts = re.findall(r"\d*(<>|<)(\S+)", stage.case.redirect)
    found = {(sign, os.fsencode(name)) for sign, name in parts}
    return {name for sign, name in found if name in stage.before and (sign == "<" or stage.before[name].size)}


def differences(stage: Stage) -> Iterator[str]:
    """Runs a prepared case under strace and yields what its header says otherwise."""
    case, log = stage.case, stage.project / "calls.log"
    strace = ["strace", "-f", "-qq", "-y", "-xx", "-s", "0", "--signal=none", "-o", str(log), "-e", f"trace={CALLS}"]
    done = subprocess.run(
        redirected(stage, [*strace, *stage.words]), cwd=stage.work, env=environment(), timeout=SECONDS, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    if not ended_as_declared(case, done.returncode):
        yield f"ended with {done.returncode}"
    replay = Replay(os.fsencode(stage.work.resolve()), stage.before)
    replay.play(list(calls_of(log.read_text())))
    yield from _read_otherwise(case, replay.used | inherited(stage))
    yield from _written_otherwise(stage, snapshot(stage.work), replay)


def _read_otherwise(case: Case, used: set[bytes]) -> Iterator[str]:
    if case.name in UNSEEN:
        return
    used = {name for name in used if b".git/" not in name}
    yield from (f"declared as read, but no call used it: {name!r}" for name in sorted(case.reads - used))
    yield from (f"used, but not declared as read: {name!r}" for name in sorted(used - case.reads))


def _written_otherwise(stage: Stage, after: Mapping[bytes, FileState], replay: Replay) -> Iterator[str]:
    writes = stage.case.writes
    yield from (f"declared as written, but not there: {name!r}" for name in sorted(writes - after.keys()))
    for name, now in after.items():
        was = stage.before.get(name)
        touched = was is not None and (now.device, now.inode, now.digest) == (was.device, was.inode, was.digest)
        if name in writes:
            same_times = was is not None and now.mtime_ns == was.mtime_ns
            if touched and same_times and os.path.join(replay.top, name) not in replay.moved_to:
                yield f"declared as written, but it is what it was: {name!r}"
        elif not touched and b".git/" not in name:
            yield f"new or changed, but not declared as written: {name!r}"


def check(case: Case, folder: Path, template: Path) -> list[str]:
    """Returns what is wrong with the header of a case; nothing when it cannot run here, or not under strace."""
    if "program:strace" in case.needs:
        return []
    try:
        with staged(case, folder, template) as stage:
            return list(differences(stage))
    except NotHereError:
        return []


def main() -> int:
    """Returns the exit status: 0 when no header is wrong."""
    cases = load_cases(*sys.argv[1:2])
    with scratch(BASE) as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        template = make_project(folder / "template")
        found = list(pool.map(lambda case: check(case, folder, template), cases))
    for case, problems in zip(cases, found, strict=True):
        for problem in problems:
            print(f"{case.name}: {problem}")
    print(f"{len(cases)} headers, {sum(map(bool, found))} of them wrong")
    return 1 if any(found) else 0


if __name__ == "__main__":
    sys.exit(main())
