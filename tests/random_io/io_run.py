#!/usr/bin/env python3
"""Runs random programs under `roar run` and compares; prints the smallest program that shows a difference."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Sequence

from io_generator import is_specified, seeded_program
from io_judge import Judgement, judge
from io_predictor import predict
from io_program import Program, parse
from io_recorder import Recorder, RunError, recorder
from io_shrink import shrink

BATCH = 50
"""Programs of one job."""


def judge_all(tool: Recorder, programs: Sequence[Program]) -> list[Judgement]:
    """Runs programs as one job. Raises RunError."""
    predictions = [predict(program, tool.shebang) for program in programs]
    outcomes = tool.record(programs)
    return [judge(prediction, outcome) for prediction, outcome in zip(predictions, outcomes, strict=True)]


def first_bad(tool: Recorder, programs: Sequence[Program]) -> int | None:
    """Returns which of some programs shows a difference."""
    tried = [number for number, program in enumerate(programs) if is_specified(program, tool.shebang)]
    if not tried:
        return None
    judgements = judge_all(tool, [programs[number] for number in tried])
    return next((number for number, found in zip(tried, judgements, strict=True) if found.is_bad), None)


def report(tool: Recorder, program: Program, found: Judgement) -> str:
    """Returns the smallest program that is judged as badly, and what is wrong with it."""
    if first_bad(tool, [program]) is None:
        return f"{found}\nonly together with others of its job:\n{program}\n"
    program = shrink(program, lambda some: first_bad(tool, some))
    (smallest,) = judge_all(tool, [program])
    return f"{smallest}\nin the program:\n{program}\n"


def differences(tool: Recorder, seed: int, count: int, *, at_most: int = 3) -> list[str]:
    """Runs the programs of `count` seeds from `seed` on; returns a report for each difference, up to `at_most`."""
    reports: list[str] = []
    for start in range(seed, seed + count, BATCH):
        seeds = range(start, min(start + BATCH, seed + count))
        programs = [seeded_program(number, tool.shebang) for number in seeds]
        try:
            judgements = judge_all(tool, programs)
        except RunError as error:
            reports.append(f"seeds {start} to {seeds[-1]}: {error}")
            judgements = []
        for number, program, found in zip(seeds, programs, judgements, strict=bool(judgements)):
            if found.is_bad and len(reports) < at_most:
                reports.append(f"seed {number}: {report(tool, program, found)}")
        if len(reports) >= at_most:
            break
    return reports


def main() -> int:
    """Returns the exit status: 0 when there was no difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracer", default="ptrace", help="backend (default: ptrace)")
    parser.add_argument("--roar", default=shutil.which("roar"), help="the command (default: the one on PATH)")
    parser.add_argument("--seed", type=int, default=0, help="of the first program (default: 0)")
    parser.add_argument("--count", type=int, default=1000, help="programs (default: 1000)")
    parser.add_argument("--differences", type=int, default=3, help="to report before stopping (default: 3)")
    parser.add_argument("program", nargs="?", help="a file with one program to run instead")
    args = parser.parse_args()
    if args.roar is None:
        parser.error("`roar` is not on PATH")
    began = time.monotonic()
    with recorder(args.roar, args.tracer) as tool:
        if args.program:
            with open(args.program, encoding="utf-8") as text:
                (found,) = judge_all(tool, [parse(text.read())])
            reports = [str(found)] if found.is_bad else []
        else:
            reports = differences(tool, args.seed, args.count, at_most=args.differences)
    print("\n".join(reports))
    print(f"{args.tracer}: {len(reports)} differences, {time.monotonic() - began:.1f} s")
    return 1 if reports else 0


if __name__ == "__main__":
    sys.exit(main())
