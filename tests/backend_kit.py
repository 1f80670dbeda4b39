"""The tracing backends, for tests that run under each of them."""

from __future__ import annotations

import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

BACKENDS = tuple(os.environ.get("ROAR_TEST_BACKENDS", "ebpf preload ptrace").split())
PATIENCE_S = 60


def roar_run(backend: str) -> list[str]:
    """Returns the words before a command that is to be recorded by one backend and no other."""
    return ["roar", "run", "-q", "--tracer", backend, "--no-tracer-fallback", "--"]


@cache
def why_not(backend: str) -> str | None:
    """Returns why a backend cannot work on this machine, in its own words; None: it works. Needs a daemon fixture."""
    with tempfile.TemporaryDirectory(prefix="roar-") as folder:
        subprocess.run(["roar", "init", "-n"], cwd=folder, check=True, capture_output=True)
        done = subprocess.run(
            [*roar_run(backend), "true"], cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    return (done.stderr.strip() or f"status {done.returncode}") if done.returncode else None


def need(backend: str) -> str:
    """Returns the backend; skips the test with a word where that does not work."""
    if reason := why_not(backend):
        pytest.skip(f"{backend}: {reason.splitlines()[0]}")
    return backend


def compiled(source: Path, target: Path, *flags: str) -> Path:
    """Compiles a small C program. Skips the test when the compiler cannot do anything with the flags."""
    command = ["gcc", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-pthread", "-o", str(target)]
    done = subprocess.run([*command, str(source), *flags], capture_output=True, text=True, check=False)
    if done.returncode and flags and not _compiles("int main(void) { return 0; }", flags):
        pytest.skip(f"gcc cannot {' '.join(flags)} here")
    assert done.returncode == 0, done.stderr
    return target


def _compiles(text: str, flags: tuple[str, ...]) -> bool:
    words = ["gcc", "-x", "c", "-o", os.devnull, "-", *flags]
    return subprocess.run(words, input=text, text=True, capture_output=True, check=False).returncode == 0
