"""A traced program behaves as an untraced one: the same output, exit status, environment and files left behind.

programs.py has the table. Each program runs once bare, and once under each backend, in the same folder made anew.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from backend_kit import BACKENDS, PATIENCE_S, compiled, need, roar_run
from launcher_kit import newest_job
from programs import PROGRAMS, Program
from project_kit import make_project

SOURCES = Path(__file__).parent / "c"
IN = "a first line\nsecond\na third\n"


@dataclass(frozen=True)
class Behaviour:
    """Everything of a program that whoever started it can see."""

    status: int
    stdout: bytes
    stderr: bytes
    files: dict[str, tuple[int, bytes]]
    """Mode and content of what lies in its folder afterwards, by name."""


def behaviour(program: Program, folder: Path, prefix: Sequence[str] = ()) -> Behaviour:
    """Runs a program in a folder that is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o777)
    folder.chmod(0o777)
    for name, text in {"in.txt": IN, **program.files}.items():
        (folder / name).write_text(text)
    for name, (source, *flags) in program.builds.items():
        shutil.copy2(_built(folder.parent, source, tuple(flags)), folder / name)
    if program.setup:
        subprocess.run(["sh", "-ec", program.setup], cwd=folder, check=True)
    command = ["sh", "-c", f'exec "$@" {program.redirect}', "sh", *prefix, *program.argv]
    done = subprocess.run(
        command, cwd=folder, env=_environment(program), input=program.stdin, capture_output=True, check=False,
        timeout=PATIENCE_S,
    )  # fmt: skip
    return Behaviour(done.returncode, done.stdout, done.stderr, _files(folder))


def _environment(program: Program) -> dict[str, str]:
    session = {"CALLER_GROUP": str(os.getpgid(0)), "CALLER_SESSION": str(os.getsid(0))}
    fixed = {"LC_ALL": "C.UTF-8", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    left_out = ("PYTEST_", "MAKE", "MFLAGS", "LSAN_", "ASAN_", "DEBUGINFOD")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return {**kept, **session, **fixed, **program.environment}


def _built(root: Path, source: str, flags: tuple[str, ...]) -> Path:
    cache = root / "data" / "built"
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / "-".join([source.removesuffix(".c"), *(flag.strip("-").replace("=", "-") for flag in flags)])
    return target if target.exists() else compiled(SOURCES / source, target, *flags)


def _files(folder: Path) -> dict[str, tuple[int, bytes]]:
    found = {}
    for top, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in {".git", "__pycache__"}]
        for path in (Path(top) / name for name in names):
            is_log = path.name in {"log", "a.db"}  # with times and process ids in them
            content = b"" if is_log or not path.is_file() else path.read_bytes()
            found[str(path.relative_to(folder))] = (path.lstat().st_mode, content)
    return found


@pytest.fixture(scope="module")
def ground(module_daemon: Path) -> Iterator[Path]:
    """A project that other users may enter, too."""
    assert module_daemon
    root = Path(tempfile.mkdtemp(prefix="roar-ground-"))
    root.chmod(0o755)
    yield make_project(root)
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def bare() -> dict[str, Behaviour]:
    """How the programs behave untraced, as far as that is known already."""
    return {}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_program_behaves_as_if_nobody_looked(
    backend: str, name: str, ground: Path, bare: dict[str, Behaviour]
) -> None:
    need(backend)
    program = PROGRAMS[name]
    for tool in program.needs:
        if os.geteuid() if tool == "root" else shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")
    if name not in bare:
        bare[name] = behaviour(program, ground / "work")
    traced = behaviour(program, ground / "work", roar_run(backend))
    if traced != bare[name] and backend in program.known:
        codes = [warning.partition(":")[0] for warning in newest_job(ground)["warnings"]]
        assert program.known[backend] in codes, f"behaves otherwise without a word: {traced} instead of {bare[name]}"
        return
    assert traced == bare[name]
