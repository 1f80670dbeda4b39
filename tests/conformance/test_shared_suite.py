"""The tracer conformance suite, where it lies beside the checkout: every case must pass."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent.parent
SUITE = TOP.parent / "shared" / "conformance" / "conform.py"


@pytest.mark.timeout(1200)
@pytest.mark.skipif(not SUITE.exists(), reason="the conformance suite is not beside this checkout")
@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize("tracer", ["preload", "ptrace"])
def test_every_case_passes(tracer: str) -> None:
    roar = shutil.which("roar")
    assert roar is not None, "`roar` is not on PATH: run `make build`"
    base = TOP / "build" / "conformance"
    base.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(SUITE), "--tool", "roar", "--roar", roar, "--tracer", tracer]
    done = subprocess.run([*command, "--base", str(base), "--min", "1"], capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
