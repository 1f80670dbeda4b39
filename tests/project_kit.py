"""A project to record in, for fixtures and tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

GIT = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")


def make_project(root: Path) -> Path:
    """Makes a git repository with one commit and a roar project in it."""
    root.mkdir(parents=True, exist_ok=True)
    (root / ".gitignore").write_text(".roar/\n/data/\n")
    subprocess.run([*GIT, "init", "-q", "-b", "main"], cwd=root, check=True)
    subprocess.run(["roar", "init", "-n"], cwd=root, check=True, capture_output=True)
    subprocess.run([*GIT, "add", "-A"], cwd=root, check=True)
    subprocess.run([*GIT, "commit", "-qm", "start"], cwd=root, check=True)
    return root
