"""Everything around a case but its judgement: what this machine lacks for it, its program, its project, its files."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from roar_truth.case_file import FOLDER, Case

SECONDS = 60
GIT = ("git", "-c", "user.name=Case", "-c", "user.email=case@example.org", "-c", "commit.gpgsign=false")


class NotHereError(Exception):
    """This machine cannot run the case; says why."""


@dataclass(frozen=True)
class FileState:
    """A regular file at one moment."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    digest: str | None
    """BLAKE3; None: we may not read it."""


@dataclass(frozen=True)
class Stage:
    """A project in which one case is about to run, prepared but for the job."""

    case: Case
    project: Path
    work: Path
    words: tuple[str, ...]
    """The command, without its redirections."""
    before: dict[bytes, FileState]


@contextmanager
def scratch(base: Path) -> Iterator[Path]:
    """Yields an empty folder in `base`, where compiled programs stay for the next time."""
    base.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_project(root: Path) -> Path:
    """Makes a git repository with one commit that ignores `work/` and `.roar/`."""
    root.mkdir(parents=True)
    (root / ".gitignore").write_text(".roar/\n/work/\n")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run([*GIT, *words], cwd=root, check=True)
    return root


@contextmanager
def staged(case: Case, scratch: Path, template: Path) -> Iterator[Stage]:
    """Yields a copy of the project `template` with the case's files in `work/`. Raises NotHereError."""
    program = build(case, scratch.parent / "programs")
    if "trial" in case.needs:
        with _project(case, scratch, template) as project:
            _try_bare(_prepare(case, project, program))
    with _project(case, scratch, template) as project:
        yield _prepare(case, project, program)


@contextmanager
def _project(case: Case, scratch: Path, template: Path) -> Iterator[Path]:
    home = scratch
    if case.filesystem == "tmpfs":
        home = Path("/dev/shm")  # noqa: S108  # a folder of our own is made in it
        if not os.access(home, os.W_OK):
            raise NotHereError("no /dev/shm")
    with tempfile.TemporaryDirectory(prefix="case-", dir=home, ignore_cleanup_errors=True) as folder:
        yield Path(shutil.copytree(template, Path(folder) / "project", symlinks=True))


def _prepare(case: Case, project: Path, program: tuple[str, ...]) -> Stage:
    work = project / "work"
    work.mkdir()
    for name, text in case.before.items():
        path = os.path.join(os.fsencode(work), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(os.fsdecode(path)).write_text(text)
    if case.setup:
        extra = {"PROGRAM": program[-1], "PYTHON": sys.executable}
        subprocess.run(["/bin/sh", "-ec", case.setup], cwd=work, env=environment() | extra, check=True)
    words = tuple(word for given in case.argv for word in (program if given == "{}" else (given,)))
    return Stage(case, project, work, words, snapshot(work))


def environment() -> dict[str, str]:
    """Returns the variables of every case: those of the caller, but for what changes how tools behave."""
    left_out = ("GIT_", "PYTHON", "LC_", "MAKE", "MFLAGS", "TAR_", "LD_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return kept | {"LC_ALL": "C.UTF-8", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}


def redirected(stage: Stage, words: list[str]) -> list[str]:
    """Returns the command that starts `words` with the redirections of the case, as a user's shell would."""
    return ["/bin/sh", "-c", f'exec "$@" {stage.case.redirect}', "sh", *words]


def ended_as_declared(case: Case, status: int) -> bool:
    """Tells whether a status (negative: a signal) is the one in the header."""
    return status == (-signal.Signals[case.signal] if case.signal else case.exit)


def _try_bare(stage: Stage) -> None:
    command = redirected(stage, list(stage.words))
    status = subprocess.run(
        command, cwd=stage.work, env=environment(), timeout=SECONDS, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ).returncode  # fmt: skip
    if not ended_as_declared(stage.case, status):
        raise NotHereError(f"ends with status {status} without roar, too")


def build(case: Case, programs: Path) -> tuple[str, ...]:
    """Returns the words that start the program of a case, compiled when `programs` lacks it. Raises NotHereError."""
    for need in case.needs:
        if not is_here(need):
            raise NotHereError(f"needs {need}")
    if case.source.suffix == ".py":
        return (sys.executable, str(case.source))
    if case.source.suffix == ".sh":
        first = case.source.read_text().partition("\n")[0]
        return (first.removeprefix("#!") if first.startswith("#!") else "/bin/sh", str(case.source))
    return (str(_compiled(case, programs)),)


def is_here(need: str) -> bool:
    """Tells whether this machine has what a header says under `needs`."""
    kind, _, value = need.partition(":")
    match kind:
        case "root":
            return os.geteuid() == 0
        case "program":
            return shutil.which(value) is not None
        case "python":
            return importlib.util.find_spec(value) is not None
        case "folder":
            return os.access(value, os.W_OK)
        case "machine":
            return platform.machine() == value
        case "trial":
            return True
    raise ValueError(f"`needs` knows no `{need}`")


def _compiled(case: Case, programs: Path) -> Path:
    sources = (FOLDER / "lib.h").read_bytes() + case.source.read_bytes()
    key = hashlib.sha256(sources + repr(case.cflags).encode()).hexdigest()[:16]
    program = programs / f"{case.name}-{key}"
    if program.exists():
        return program
    program.parent.mkdir(parents=True, exist_ok=True)
    partial = program.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
    done = _gcc(case.source, partial, case.cflags)
    if done.returncode and case.cflags:
        empty = program.with_suffix(".probe.c")
        empty.write_text("#include <stdio.h>\nint main(void) { return 0; }\n")
        if _gcc(empty, partial, case.cflags).returncode:
            raise NotHereError(f"gcc cannot {' '.join(case.cflags)}")
    if done.returncode:
        raise RuntimeError(done.stderr)
    partial.rename(program)
    return program


def _gcc(source: Path, program: Path, flags: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    options = ["-O1", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-pthread", f"-I{FOLDER}", *flags]
    if shutil.which("gcc") is None:
        raise NotHereError("no gcc")
    return subprocess.run(
        ["gcc", *options, "-o", str(program), str(source)],
        capture_output=True,
        text=True,
        check=False,
        # Killed in the middle it leaves what it has there.
        env={**os.environ, "TMPDIR": str(program.parent)},
    )


def snapshot(folder: Path) -> dict[bytes, FileState]:
    """Returns the regular files below a folder by their names in it, however long those are."""
    found: dict[bytes, FileState] = {}
    top = os.fsencode(folder)
    for path, _, names, fd in os.fwalk(top):
        for name in names:
            state = os.stat(name, dir_fd=fd, follow_symlinks=False)
            if stat.S_ISREG(state.st_mode):
                whole = os.path.join(path, name)[len(top) + 1 :]
                digest = _digest(name, fd)
                found[whole] = FileState(state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, digest)
    return found


def _digest(name: bytes, folder: int) -> str | None:
    try:
        with open(name, "rb", opener=lambda path, flags: os.open(path, flags, dir_fd=folder)) as file:
            return blake3(file.read()).hexdigest()
    except PermissionError:
        return None
