#!/usr/bin/env python3
"""Runs the truth programs under `roar run`, prints a line for each that did not pass, then their numbers."""

from __future__ import annotations

import argparse
import base64
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from case_file import Case, load_cases
from judge import Recorded, Verdict, judge
from stage import SECONDS, NotHereError, Stage, environment, make_project, redirected, scratch, snapshot, staged


@dataclass(frozen=True)
class Tool:
    """How a prepared case is recorded: by `roar`, with one backend."""

    roar: str
    backend: str

    def make_template(self, folder: Path) -> Path:
        """Makes the project that every case gets a copy of."""
        root = make_project(folder / "template")
        subprocess.run([self.roar, "init", "-n"], cwd=root, env=environment(), check=True, capture_output=True)
        return root

    def record(self, stage: Stage) -> Recorded:
        """Runs the job of a case and returns what was recorded of it. Raises CalledProcessError, TimeoutExpired."""
        roar_run = [self.roar, "run", "-q", "--tracer", self.backend, "--no-tracer-fallback", "--"]
        done = subprocess.run(
            redirected(stage, [*roar_run, *stage.words]), cwd=stage.work, env=environment(), timeout=SECONDS,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
        show = [self.roar, "show", "--json", "@1"]
        shown = subprocess.run(show, cwd=stage.project, env=environment(), capture_output=True, check=False)
        if shown.returncode:
            said = (done.stderr + shown.stderr).decode(errors="replace")
            return Recorded(done.returncode, {}, {}, (f"not-recorded: {said.strip()[-400:]}",))
        job = json.loads(shown.stdout)
        return Recorded(done.returncode, _below(stage, job["inputs"]), _below(stage, job["outputs"]), _texts(job))


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
    except (subprocess.SubprocessError, RuntimeError) as error:
        return Verdict(case.name, "failed", (str(error),))


@contextmanager
def running(cases: list[Case], tool: Tool) -> Iterator[Callable[[], Iterator[Verdict]]]:
    """Yields a function that yields the verdicts, in the order of the cases, while a few of them run at a time."""
    with scratch() as folder:
        template = tool.make_template(folder)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            yield lambda: pool.map(lambda case: run_case(case, tool, folder, template), cases)


def main() -> int:
    """Returns the exit status: 0 when no case failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracer", default="ptrace", help="backend (default: ptrace)")
    parser.add_argument("--roar", default=shutil.which("roar"), help="the command (default: the one on PATH)")
    parser.add_argument("-v", "--verbose", action="store_true", help="print a line for every case")
    parser.add_argument("text", nargs="?", default="", help="only cases whose name holds this")
    args = parser.parse_args()
    if args.roar is None:
        parser.error("`roar` is not on PATH")
    counts: Counter[str] = Counter()
    with running(load_cases(args.text), Tool(args.roar, args.tracer)) as verdicts:
        for verdict in verdicts():
            counts[verdict.outcome] += 1
            if args.verbose or verdict.outcome != "passed":
                print(f"{verdict.outcome}: {verdict.case}: {'; '.join(verdict.problems)}".rstrip(": "))
    print(f"{args.tracer}: " + ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
