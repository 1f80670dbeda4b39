"""Imports go down only, as ARCHITECTURE.md says; the contract itself is [tool.importlinter] in pyproject.toml."""

from __future__ import annotations

import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent


def test_imports_go_down_only() -> None:
    done = subprocess.run(["lint-imports", "--no-cache"], cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
