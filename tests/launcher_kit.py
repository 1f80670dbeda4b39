"""What the tests of the launcher share: running commands, and looking at what was recorded."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

PATIENCE_S = 60


def run(*words: str | bytes, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Runs a command to its end, whatever that is."""
    options.setdefault("capture_output", True)
    return subprocess.run(words, timeout=PATIENCE_S, check=False, **options)


def answer(project: Path, *words: str) -> dict[str, Any]:
    """Returns what a command of roar prints as JSON."""
    done = run("roar", *words, "--json", cwd=project)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def jobs(project: Path) -> list[dict[str, Any]]:
    """Returns all recorded jobs, newest first, without their files."""
    listed: list[dict[str, Any]] = answer(project, "log")["jobs"]
    return listed


def newest_job(project: Path) -> dict[str, Any]:
    """Returns the newest job with everything recorded."""
    return answer(project, "show", "@-1")


def written(job: dict[str, Any]) -> list[str]:
    """Returns the paths of the outputs of a job."""
    return [file["path"] for file in job["outputs"]]


def daemon_pid(project: Path) -> int:
    return int(answer(project, "daemon", "status")["pid"])


def run_directories(project: Path) -> list[Path]:
    return list((project / ".roar" / "runs").iterdir())
