"""Measures what recording adds when many runs share one project, and writes a section of benchmarks/RESULTS.md.

A crowd of commands, bare and under `roar run` in turn, all of them under way at once, in two ways: started one after
the other, as a loop or a scheduler does, and all in the same moment, which asks most. *Added* is the time from a
command's start to its prompt, less what the command itself is asked to take; that of the bare crowd is what the machine
costs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from report import RESULTS, machine, put_section, shown

HERE = Path(__file__).resolve().parent
SCRATCH = HERE.parent / "build" / "bench-concurrent"
TITLE = "# What many runs at once cost each other"
CROWD = 64
BETWEEN_S = 0.05
SHORTEST_S, LONGEST_S = 3.5, 8.0
"""The last one starts before the first one ends."""
GIT = ("git", "-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "commit.gpgsign=false")


def main() -> int:
    options = parse_options()
    spread = random.Random(1)  # noqa: S311 -- the same lengths in every run
    lengths = [spread.uniform(SHORTEST_S, LONGEST_S) for _ in range(CROWD)]
    cases = {
        f"{CROWD} runs at once, one started every {BETWEEN_S * 1000:.0f} ms": (lengths, BETWEEN_S),
        f"{CROWD} runs that start in the same moment, and end so": ([SHORTEST_S] * CROWD, 0.0),
    }
    shutil.rmtree(SCRATCH, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="roar-bench-") as runtime:
        os.environ |= {"ROAR_RUNTIME_DIR": runtime, "XDG_STATE_HOME": str(SCRATCH / "state")}
        project = make_project(options.roar)
        try:
            lines = [row for title, case in cases.items() for row in measure(title, *case, options, project)]
        finally:
            subprocess.run([options.roar, "daemon", "stop"], check=False, capture_output=True)
    shutil.rmtree(SCRATCH, ignore_errors=True)
    text = "\n".join([*heading(options.roar), *lines]) + "\n"
    put_section(options.out, text)
    print(text)
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--roar", type=Path, default=shutil.which("roar"), help="default: the one on PATH")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    if options.roar is None:
        parser.error("no `roar` on PATH: build it first (`make build`), or say --roar PATH")
    options.roar = options.roar.resolve()
    return options


def make_project(roar: Path) -> Path:
    project = SCRATCH / "project"
    project.mkdir(parents=True)
    (project / ".gitignore").write_text("out*\n")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run([*GIT, *words], cwd=project, check=True)
    subprocess.run([roar, "init", "-n"], cwd=project, check=True, capture_output=True)
    return project


def measure(
    title: str, lengths: Sequence[float], between: float, options: argparse.Namespace, project: Path
) -> list[str]:
    """Returns the table of one case. Raises RuntimeError unless every run is recorded, once."""
    added: dict[str, list[float]] = {"bare": [], "roar": []}
    known = recorded(options.roar, project)
    for number in range(options.rounds + 1):
        for name, prefix in (("bare", ()), ("roar", (str(options.roar), "run", "-q", "--"))):
            print(f"{title}: round {number} of {options.rounds}, {name}", file=sys.stderr)
            seconds = run_crowd(lengths, between, prefix, project)
            # The first round warms caches and the daemon.
            added[name] += seconds if number else []
    if (new := recorded(options.roar, project) - known) != CROWD * (options.rounds + 1):
        raise RuntimeError(f"{new} runs are recorded, not {CROWD * (options.rounds + 1)}")
    rows = [f"| {name} | {' | '.join(map(shown, figures(seconds)))} |" for name, seconds in added.items()]
    return ["", f"## {title}", "", "| added | median | p95 | most |", "|---|---|---|---|", *rows]


def run_crowd(lengths: Sequence[float], between: float, prefix: tuple[str, ...], project: Path) -> list[float]:
    """Starts a command for each length, `between` seconds apart; returns by how much each took longer."""
    start = threading.Barrier(len(lengths))

    def one(number: int) -> float:
        command = [*prefix, "sh", "-c", f"sleep {lengths[number]:.3f}; echo {number} > out{number}"]
        start.wait()
        time.sleep(number * between)
        began = time.monotonic()
        subprocess.run(command, cwd=project, check=True, stdin=subprocess.DEVNULL)
        return time.monotonic() - began - lengths[number]

    with ThreadPoolExecutor(len(lengths)) as pool:
        return list(pool.map(one, range(len(lengths))))


def recorded(roar: Path, project: Path) -> int:
    told = subprocess.run([roar, "log", "--json", "-n", "10000"], cwd=project, check=True, capture_output=True)
    return len({job["id"] for job in json.loads(told.stdout)["jobs"]})


def figures(seconds: Sequence[float]) -> tuple[float, float, float]:
    """Returns median, 95th percentile and maximum."""
    return statistics.median(seconds), statistics.quantiles(seconds, n=100)[94], max(seconds)


def heading(roar: Path) -> list[str]:
    version = subprocess.run([roar, "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
    return [
        TITLE,
        "",
        "Written by `make bench-concurrent`; concurrent_runs.py says how. Each run makes a file; all are recorded.",
        "",
        f"roar {version} · {machine()}",
    ]


if __name__ == "__main__":
    sys.exit(main())
