"""Runs programs under `roar run`, many in one job, and returns what happened and what was recorded of each."""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from io_program import Program
from roar_proto.v1 import run_pb2

from roard.trace.format import Kind, unseal
from roard.version import version

FOLDER = Path(__file__).resolve().parent
CACHE = FOLDER.parents[1] / "build" / "random_io"
OLD_NS = 1_000_000_000_000_000_000
"""Time of everything that is there before the job: what it writes gets another one, however coarse the clock is."""
FIRST_FD = 300
SECONDS = 120


T = TypeVar("T")


class RunError(Exception):
    """A job could not be run as it should; says why."""


@dataclass(frozen=True)
class Outcome:
    """One program that has run. Paths are relative to its folder."""

    said: list[str]
    tree: dict[str, tuple[str, bytes]]
    reads: dict[str, run_pb2.FileRead]
    writes: dict[str, run_pb2.FileWrite]
    inodes: dict[str, int]
    """Of the files that were there before the job."""
    now: dict[str, os.stat_result]
    """All regular files of the end."""
    warnings: tuple[str, ...]
    """Of the job, which may have run other programs as well."""


@dataclass(frozen=True)
class Recorder:
    """A project in which jobs run, with one backend and no daemon: their sealed runs stay, and are read here."""

    roar: str
    backend: str
    interpreter: Path
    folder: Path
    """Its name is short, as are those in it: eBPF finds its way through symbolic links of up to 59 bytes only."""
    numbers: Iterator[int] = field(default_factory=itertools.count)
    """Of the jobs."""

    @property
    def shebang(self) -> bytes:
        return f"#!{self.interpreter} --script\n".encode()

    def record(self, programs: Sequence[Program]) -> list[Outcome]:
        """Runs programs one after the other as one job. Raises RunError."""
        work = self.folder / "p" / str(next(self.numbers))
        work.mkdir()
        try:
            return self._record(programs, work)
        finally:
            shutil.rmtree(work)

    def _record(self, programs: Sequence[Program], work: Path) -> list[Outcome]:
        descriptors: list[int] = []
        tables, roots, rows = work / "programs", [], []
        tables.mkdir()
        try:
            for number, program in enumerate(programs):
                root = work / str(number)
                self._plant(program, root)
                opened = [self._open(root / entry.path, int(entry.words[2], 8)) for entry in program.inherited]
                descriptors += opened
                table = tables / str(number)
                table.write_text("\n".join(program.lines(opened)) + "\n")
                rows.append(f"{number} {root} {table}\n")
                roots.append(root)
            before = [_inodes(root) for root in roots]
            (work / "list").write_text("".join(rows))
            said = self._run([str(self.interpreter), str(work / "list")], work, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return self._outcomes(roots, before, said)

    def _plant(self, program: Program, root: Path) -> None:
        root.mkdir()
        for entry in program.tree:
            path = root / entry.path
            if entry.kind == "dir":
                path.mkdir()
            elif entry.kind == "alias":
                path.symlink_to(_target(entry.words[2], root))
            elif entry.kind == "same":
                path.hardlink_to(root / entry.words[2])
            elif entry.kind != "fd":
                path.write_bytes(self.shebang if entry.kind == "script" else entry.content)
                path.chmod(0o755 if entry.kind == "script" else 0o644)
                os.utime(path, ns=(OLD_NS, OLD_NS))

    @staticmethod
    def _open(path: Path, flags: int) -> int:
        """Returns a descriptor that is out of the way of those that a job gets by itself."""
        opened = os.open(path, flags)
        try:
            return fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, FIRST_FD)
        finally:
            os.close(opened)

    def _run(self, words: list[str], work: Path, descriptors: list[int]) -> list[str]:
        command = [self.roar, "run", "-q", "--tracer", self.backend, "--no-tracer-fallback", "--", *words]
        runtime = self.folder / "run"
        environment = os.environ | {"ROAR_DAEMON": "require", "ROAR_RUNTIME_DIR": str(runtime)}
        with (work / "said").open("ab") as said:
            done = subprocess.run(
                command, cwd=work, env=environment, timeout=SECONDS, pass_fds=descriptors, check=False,
                stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.PIPE,
            )  # fmt: skip
        if done.returncode:
            raise RunError(f"ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
        return (work / "said").read_text().splitlines()

    def _outcomes(self, roots: list[Path], before: list[dict[str, int]], said: list[str]) -> list[Outcome]:
        runs = self.folder / "p" / ".roar" / "runs"
        (run,) = runs.iterdir()
        sealed = run / "folded"
        folded = unseal(Kind.FOLDED, run_pb2.FoldedTrace, bytes(sealed), sealed.read_bytes())
        shutil.rmtree(run)
        if folded.tracer != self.backend:
            raise RunError(f"traced by {folded.tracer}")
        warnings = tuple(f"{warning.code}: {warning.message}" for warning in folded.warnings)
        top = os.path.dirname(bytes(roots[0])) + b"/"
        reads = _by_program([(file.path, file) for file in folded.reads], top)
        writes = _by_program([(file.path, file) for file in folded.writes], top)
        lines: dict[str, list[str]] = {}
        for line in said:
            number, _, rest = line.partition(" ")
            lines.setdefault(number, []).append(rest)
        return [
            Outcome(
                said=lines.get(str(number), []),
                tree=_tree(root),
                reads=reads.get(root.name, {}),
                writes=writes.get(root.name, {}),
                inodes=before[number],
                now=_files(root),
                warnings=warnings,
            )
            for number, root in enumerate(roots)
        ]


def _by_program(files: list[tuple[bytes, T]], top: bytes) -> dict[str, dict[str, T]]:
    """Returns files by the folders of the programs and their paths there; others are left out."""
    found: dict[str, dict[str, T]] = {}
    for path, file in files:
        folder, _, rest = os.fsdecode(path.removeprefix(top)).partition("/")
        if path.startswith(top):
            found.setdefault(folder, {})[rest] = file
    return found


def _target(target: str, root: Path) -> str:
    return f"{root}{target[1:]}" if target.startswith("@") else target


def _entries(root: Path) -> Iterator[os.DirEntry[str]]:
    waiting = [str(root)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


def _relative(entry: os.DirEntry[str], root: Path) -> str:
    return entry.path[len(str(root)) + 1 :]


def _files(root: Path) -> dict[str, os.stat_result]:
    found = (entry for entry in _entries(root) if entry.is_file(follow_symlinks=False))
    return {_relative(entry, root): os.lstat(entry.path) for entry in found}


def _inodes(root: Path) -> dict[str, int]:
    return {path: facts.st_ino for path, facts in _files(root).items()}


def _tree(root: Path) -> dict[str, tuple[str, bytes]]:
    found = {}
    for entry in _entries(root):
        if entry.is_symlink():
            state = ("symlink", os.fsencode(os.readlink(entry.path)).replace(bytes(root), b"@"))
        elif entry.is_dir():
            state = ("dir", b"")
        else:
            state = ("file", Path(entry.path).read_bytes())
        found[_relative(entry, root)] = state
    return found


@contextmanager
def recorder(roar: str, backend: str) -> Iterator[Recorder]:
    """Yields a recorder in a project that is not below a temporary folder. Raises RunError when gcc cannot compile."""
    CACHE.mkdir(parents=True, exist_ok=True)
    interpreter = compiled()
    with tempfile.TemporaryDirectory(prefix="r", dir=CACHE, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "run").mkdir(mode=0o700)
        (folder / "p" / ".roar").mkdir(parents=True)
        (folder / "p" / ".roar" / "config.toml").touch()
        with collector(roar, folder / "run") if backend == "ebpf" else nullcontext():
            yield Recorder(roar, backend, interpreter, folder)


@contextmanager
def collector(roar: str, runtime: Path) -> Iterator[None]:
    """Starts the collector of eBPF events and holds it, as a daemon does. Raises RunError when it cannot work."""
    command = [os.path.join(os.path.dirname(roar), "roar-collector"), "--serve", str(runtime)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        verdict = json.loads(process.stdout.readline())
        if not verdict["usable"]:
            raise RunError(verdict["reason"])
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as hold:
            hold.connect(str(runtime / "collector.sock"))
            hold.send(b"hold " + version().encode())
            if hold.recv(4096) != b"ok":
                raise RunError("the collector does not want to be held")
            yield


def compiled() -> Path:
    """Returns the interpreter, compiled when it is not in the cache."""
    source = FOLDER / "interpreter.c"
    program = CACHE / f"interpreter-{hashlib.sha256(source.read_bytes()).hexdigest()[:12]}"
    if program.exists():
        return program
    CACHE.mkdir(parents=True, exist_ok=True)
    partial = program.with_suffix(f".{os.getpid()}")
    options = ["-O1", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-pthread"]
    done = subprocess.run(
        ["gcc", *options, "-o", str(partial), str(source)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RunError(done.stderr)
    partial.rename(program)
    return program
