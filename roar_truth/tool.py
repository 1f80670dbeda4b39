"""Runs a case under `roar run` and has it judged by what `roar show` says of it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roar_truth.case_file import Case
from roar_truth.judge import Recorded, Verdict, judge
from roar_truth.stage import SECONDS, NotHereError, Stage, environment, make_project, redirected, snapshot, staged


@dataclass(frozen=True)
class Tool:
    """How a prepared case is recorded: by `roar`, with one backend."""

    roar: str
    backend: str
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of the environment of `roar`, beside those of every case."""

    def make_template(self, folder: Path) -> Path:
        """Makes the project that every case gets a copy of.

        It is a copy itself, which no daemon has open: one that closes a project takes files away beside who copies it.
        """
        root = make_project(folder / "made")
        subprocess.run([self.roar, "init", "-n"], cwd=root, env=self._environment(), check=True, capture_output=True)
        return Path(shutil.copytree(root, folder / "template", symlinks=True))

    def record(self, stage: Stage) -> Recorded:
        """Runs the job of a case and returns what was recorded of it. Raises CalledProcessError, TimeoutExpired."""
        roar_run = [self.roar, "run", "-q", "--tracer", self.backend, "--no-tracer-fallback", "--"]
        done = subprocess.run(
            redirected(stage, [*roar_run, *stage.words]), cwd=stage.work, env=self._environment(), timeout=SECONDS,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
        show = [self.roar, "show", "--json", "@1"]
        shown = subprocess.run(show, cwd=stage.project, env=self._environment(), capture_output=True, check=False)
        if shown.returncode:
            said = (done.stderr + shown.stderr).decode(errors="replace")
            return Recorded(done.returncode, {}, {}, (f"not-recorded: {said.strip()[-400:]}",))
        job = json.loads(shown.stdout)
        return Recorded(done.returncode, _below(stage, job["inputs"]), _below(stage, job["outputs"]), _texts(job))

    def _environment(self) -> dict[str, str]:
        return environment() | dict(self.variables)


def _below(stage: Stage, files: list[dict[str, Any]]) -> dict[bytes, str | None]:
    """Returns hashes by name in the work folder."""
    top = os.fsencode(stage.work.resolve()) + b"/"
    root = os.fsencode(stage.project.resolve())
    found = {}
    for file in files:
        path = base64.b64decode(file["path_b64"]) if "path_b64" in file else os.fsencode(file["path"])
        path = os.path.join(root, path)
        if path.startswith(top):
            found[path.removeprefix(top)] = file["hash"]
    return found


def _texts(job: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(warning) for warning in job["warnings"])


def run_case(case: Case, tool: Tool, folder: Path, template: Path) -> Verdict:
    """Runs one case in a project of its own."""
    try:
        with staged(case, folder, template) as stage:
            recorded = tool.record(stage)
            return judge(stage, recorded, snapshot(stage.work), tool.backend)
    except NotHereError as reason:
        return Verdict(case.name, "skipped", (str(reason),))
    except (subprocess.SubprocessError, RuntimeError, OSError) as error:
        return Verdict(case.name, "failed", (str(error),))
