"""Whole programs under every backend, against an oracle: strace says what was read, the file system what was written.

A program runs once under strace and once under each backend, in the same folder made anew. What is recorded of what
lies there must be exactly what the oracle says; so it is the same for all backends, too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from backend_kit import BACKENDS, need, roar_run
from check_headers import CALLS, Call, Replay, calls_of
from launcher_kit import newest_job
from runner import BASE
from whole_programs import PROGRAMS, Whole

from roar_truth.stage import FileState, environment, is_here, scratch, snapshot
from roar_truth.tool import Tool

PATIENCE_S = 120


@dataclass(frozen=True)
class Ground:
    """Where the programs run."""

    project: Path
    oracles: dict[str, Oracle]
    """Of the programs that ran under strace already."""

    @property
    def work(self) -> Path:
        return self.project / "work"


@dataclass(frozen=True)
class Oracle:
    """What strace saw; names relative to the folder."""

    used: frozenset[bytes]
    moved_to: frozenset[bytes]
    opened_to_write: frozenset[bytes]
    """But for those whose times were set."""


@pytest.fixture(scope="module")
def ground(module_daemon: Path) -> Iterator[Ground]:
    """A project in which one program runs after the other."""
    assert module_daemon
    with scratch(BASE) as folder:
        yield Ground(Tool("roar", "auto").make_template(folder), {})


def prepare(program: Whole, ground: Ground) -> dict[bytes, FileState]:
    """Makes the folder anew. Returns what is in it."""
    shutil.rmtree(ground.work, ignore_errors=True)
    for name, text in program.files.items():
        path = ground.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    ground.work.mkdir(exist_ok=True)
    subprocess.run(["sh", "-ec", program.setup], cwd=ground.work, env=_environment(ground), check=True)
    return snapshot(ground.work)


def play(program: Whole, ground: Ground, *prefix: str) -> None:
    """Runs the program, which must succeed."""
    done = subprocess.run(
        [*prefix, "sh", "-ec", program.script], cwd=ground.work, env=_environment(ground), timeout=PATIENCE_S,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def _environment(ground: Ground) -> dict[str, str]:
    """Nothing that a program keeps for itself lies in the folder, or is left from the run before."""
    home = ground.project / "home"
    own = {
        "CARGO_INCREMENTAL": "0",
        "CARGO_TARGET_DIR": "target",
        "PYTHONDONTWRITEBYTECODE": "1",
        "npm_config_cache": str(home),
    }
    return environment() | own | {"MPLCONFIGDIR": str(home), "OMP_NUM_THREADS": "2"}


def ask_strace(program: Whole, ground: Ground) -> Oracle:
    """Runs the program under strace."""
    before, log = prepare(program, ground), ground.project / "calls.log"
    options = ["-f", "-qq", "-y", "-xx", "-s", "0", "--signal=none", "--seccomp-bpf", "-o", str(log)]
    play(program, ground, "strace", *options, "-e", f"trace={CALLS}")
    top = os.fsencode(ground.work.resolve())
    calls = list(calls_of(log.read_text()))
    replay = Replay(top, before)
    replay.play(calls)
    writing = {call.opened for call in calls if "O_WRONLY" in call.text or "O_RDWR" in call.text}
    touched = {path for call in calls if "utime" in call.name for path in _named_by(call)}
    return Oracle(frozenset(replay.used), _below(top, replay.moved_to), _below(top, writing - touched))


def _named_by(call: Call) -> Iterator[bytes]:
    """Yields what a descriptor in the arguments refers to, or the names there."""
    yield from (bytes.fromhex(path.replace("\\x", "")) for path in re.findall(r"<((?:\\x..)+)>", call.text))
    yield from (os.path.join(base, name) for base, name in call.arguments)


def _below(top: bytes, paths: set[bytes]) -> frozenset[bytes]:
    return frozenset(path[len(top) + 1 :] for path in paths if path.startswith(top + b"/"))


def written(oracle: Oracle, before: Mapping[bytes, FileState], after: Mapping[bytes, FileState]) -> set[bytes]:
    """Returns the files that are new, have other content, were moved into place, or were written to."""

    def is_written(name: bytes, now: FileState) -> bool:
        was = before.get(name)
        if b".git" in name.split(b"/"):
            return False  # git's own business, left out of every record
        if was is None or (now.device, now.inode, now.digest) != (was.device, was.inode, was.digest):
            return True
        return name in oracle.moved_to or (now.mtime_ns != was.mtime_ns and name in oracle.opened_to_write)

    return {name for name, now in after.items() if is_written(name, now)}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_record_of_a_whole_program_is_what_the_oracle_says(backend: str, name: str, ground: Ground) -> None:
    need(backend)
    program = PROGRAMS[name]
    for tool in ("program:strace", *program.needs):
        if not is_here(tool):
            pytest.skip(": ".join(filter(None, [f"needs {tool}", program.hint])))
    oracle = ground.oracles.get(name) or ground.oracles.setdefault(name, ask_strace(program, ground))
    before = prepare(program, ground)
    play(program, ground, *roar_run(backend))
    after = snapshot(ground.work)
    job = newest_job(ground.project)
    inputs, outputs = _recorded(ground, job["inputs"]), _recorded(ground, job["outputs"])
    assert _named(inputs) == _named(oracle.used)
    assert _named(outputs) == _named(written(oracle, before, after))
    assert {name: after[name].digest for name in outputs} == outputs
    assert {name: before[name].digest for name, digest in inputs.items() if digest} == {
        name: digest for name, digest in inputs.items() if digest
    }
    assert {text.partition(":")[0] for text in job["warnings"]} <= {"content-unknown", *program.tolerated}


def _recorded(ground: Ground, files: list[dict[str, str]]) -> dict[bytes, str]:
    paths = {os.fsencode(ground.project.resolve() / file["path"]): file["hash"] for file in files}
    top = os.fsencode(ground.work.resolve())
    return {path[len(top) + 1 :]: digest for path, digest in paths.items() if path.startswith(top + b"/")}


def _named(names: set[bytes] | frozenset[bytes] | dict[bytes, str]) -> list[str]:
    return sorted(os.fsdecode(name) for name in names)
