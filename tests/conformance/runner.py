#!/usr/bin/env python3
"""Runs the truth programs under `roar run`, prints a line for each that did not pass, then their numbers."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from roar_truth.case_file import Case, load_cases
from roar_truth.judge import Verdict
from roar_truth.stage import scratch
from roar_truth.tool import Tool, run_case

BASE = Path(__file__).resolve().parents[2] / "build" / "conformance"


@contextmanager
def running(cases: list[Case], tool: Tool) -> Iterator[Callable[[], Iterator[Verdict]]]:
    """Yields a function that yields the verdicts, in the order of the cases, while a few of them run at a time."""
    with scratch(BASE) as folder:
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
