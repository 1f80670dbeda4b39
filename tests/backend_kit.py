"""The tracing backends, for tests that run under each of them."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import pytest

BACKENDS = tuple(os.environ.get("ROAR_TEST_BACKENDS", "ebpf preload ptrace").split())
PATIENCE_S = 60
STARTS_S = 30


def roar_run(backend: str) -> list[str]:
    """Returns the words before a command that is to be recorded by one backend and no other."""
    return ["roar", "run", "-q", "--tracer", backend, "--no-tracer-fallback", "--"]


@cache
def why_not(backend: str, runtime: str) -> str | None:
    """Returns why a backend cannot work under the daemon of a runtime directory, in its own words; None: it works."""
    assert runtime == os.environ["ROAR_RUNTIME_DIR"], "of the daemon fixture in use"
    patience = time.monotonic() + STARTS_S
    # A daemon that has just started may not have loaded its eBPF programs yet.
    while (reason := _refusal(backend)) and "no collector is running" in reason and time.monotonic() < patience:
        time.sleep(0.1)
    return reason


def _refusal(backend: str) -> str | None:
    with tempfile.TemporaryDirectory(prefix="roar-") as folder:
        subprocess.run(["roar", "init", "-n"], cwd=folder, check=True, capture_output=True)
        done = subprocess.run(
            [*roar_run(backend), "true"], cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    return (done.stderr.strip() or f"status {done.returncode}") if done.returncode else None


def need(backend: str) -> str:
    """Returns the backend; skips the test with a word where that does not work. Needs a daemon fixture."""
    if reason := why_not(backend, os.environ["ROAR_RUNTIME_DIR"]):
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
