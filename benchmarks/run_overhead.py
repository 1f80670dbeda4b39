"""Measures what recording adds to a command, as whole processes, and writes benchmarks/RESULTS.md.

Every case runs bare, under `roar run`, and, when `--roar-cli` names its `roar` command, under roar-cli: in turn, round
by round, so that all meet the same machine. Figures are medians; ratios are to the bare command of the same rounds.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from report import RESULTS, machine, put_section, shown

HERE = Path(__file__).resolve().parent
SCRATCH = HERE.parent / "build" / "bench"  # not below /tmp, where roar-cli sees nothing
SETTLED_S = 2.5  # a file younger than two seconds is not trusted in a hash cache
GIT = ("git", "-c", "user.name=bench", "-c", "user.email=bench@example.org")
READ_ALL = """\
import os, sys, time

total = 0
for entry in sorted(os.listdir("data")):
    with open(os.path.join("data", entry), "rb") as file:
        total += len(file.read())
# The job's last act: everything from here to the prompt is not the job's own.
os.write(1, b"%d" % time.monotonic_ns())
"""
READ_AND_COMPUTE = """\
import os, sys, time

buffer = bytearray(1 << 20)
for entry in sorted(os.listdir("large")):
    with open(os.path.join("large", entry), "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    pass
os.write(1, b"%d" % time.monotonic_ns())
"""
LARGE_FILES = 8


@dataclass(frozen=True)
class Contender:
    """A way to run a command."""

    name: str
    prefix: tuple[str, ...]
    project: Path


@dataclass(frozen=True)
class Case:
    """A command, and what is measured of it."""

    title: str
    argv: tuple[str, ...]
    rounds: int
    prepare: Callable[[Path], None] | None = None
    """Called for every contender's project before every round."""
    tail_only: bool = False
    """From the job's last act (a monotonic time in ns on its stdout) to the end of the process, not the whole of it."""


@dataclass(frozen=True)
class Result:
    """Seconds of every round of one contender in one case."""

    case: Case
    contender: Contender
    seconds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def main() -> int:
    options = parse_options()
    shutil.rmtree(SCRATCH, ignore_errors=True)
    with private_daemon(options.roar):
        contenders = [Contender("bare", (), make_project("bare"))]
        contenders.append(make_recorder("roar", options.roar))
        contenders += [make_recorder(f"roar-cli {version_of(path)}", path) for path in options.roar_cli]
        results = [result for case in cases(options) for result in measure(case, contenders)]
    shutil.rmtree(SCRATCH, ignore_errors=True)
    text = report(results, options)
    put_section(options.out, text)
    print(text)
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--roar", type=Path, default=shutil.which("roar"), help="default: the one on PATH")
    parser.add_argument(
        "--roar-cli", type=Path, action="append", default=[], metavar="ROAR", help="its `roar`; repeatable"
    )
    parser.add_argument("--rounds", type=int, default=21, help="of the two small cases")
    parser.add_argument("--large-rounds", type=int, default=5, help="of the case with many files")
    parser.add_argument("--files", type=int, default=10_000, help="that the many-files job reads")
    parser.add_argument("--large-mib", type=int, default=2048, help="that the job reads which then computes")
    parser.add_argument("--compute", type=float, default=10, metavar="S", help="seconds for which it computes")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    if options.roar is None:
        parser.error("no `roar` on PATH: build it first (`make build`), or say --roar PATH")
    options.roar = options.roar.resolve()
    # Not resolved: a console script finds its packages by the folder that it lies in.
    options.roar_cli = [path.absolute() for path in options.roar_cli]
    return options


def cases(options: argparse.Namespace) -> Iterator[Case]:
    count, rounds = options.files, options.large_rounds
    read_all = (sys.executable, "read_all.py")
    yield Case("`true`", ("true",), options.rounds)
    yield Case("`python -c pass`", (sys.executable, "-c", "pass"), options.rounds)
    yield Case(
        f"`python` reads {count:,} files never seen before: last act to prompt",
        read_all,
        rounds,
        prepare=lambda project: write_files(project / "data", count),
        tail_only=True,
    )
    yield Case(f"`python` reads the same {count:,} files again: last act to prompt", read_all, rounds, tail_only=True)
    yield Case(
        f"`python` reads {options.large_mib} new MiB, computes for {options.compute:g} s: last act to prompt",
        (sys.executable, "read_and_compute.py", str(options.compute)),
        rounds,
        prepare=lambda project: write_large(project / "large", options.large_mib),
        tail_only=True,
    )


def measure(case: Case, contenders: list[Contender]) -> list[Result]:
    """Returns one result a contender; the first round warms caches and daemons and does not count."""
    results = [Result(case, contender, []) for contender in contenders]
    for number in range(case.rounds + 1):
        print(f"{case.title}: round {number} of {case.rounds}", file=sys.stderr)
        if case.prepare is not None:
            for contender in contenders:
                case.prepare(contender.project)
            time.sleep(SETTLED_S)
        for result in results:
            seconds = run_once(case, result.contender)
            if number > 0:
                result.seconds.append(seconds)
    return results


def run_once(case: Case, contender: Contender) -> float:
    """Returns the seconds that are measured of one run. Raises CalledProcessError when the command fails."""
    started_ns = time.monotonic_ns()
    command = [*contender.prefix, *case.argv]
    done = subprocess.run(command, cwd=contender.project, capture_output=True, text=True, check=True)
    ended_ns = time.monotonic_ns()
    if case.tail_only:
        # roar-cli 0.2 prints its summary on stdout too, behind the job's figure.
        digits = done.stdout[: len(done.stdout) - len(done.stdout.lstrip("0123456789"))]
        started_ns = int(digits)
    return (ended_ns - started_ns) / 1e9


def make_project(name: str) -> Path:
    project = SCRATCH / name.replace(" ", "-")
    project.mkdir(parents=True)
    (project / "read_all.py").write_text(READ_ALL)
    (project / "read_and_compute.py").write_text(READ_AND_COMPUTE)
    (project / ".gitignore").write_text(".roar/\ndata/\nlarge/\n")
    subprocess.run([*GIT, "init", "-q"], cwd=project, check=True)
    subprocess.run([*GIT, "add", "-A"], cwd=project, check=True)
    subprocess.run([*GIT, "commit", "-qm", "start"], cwd=project, check=True)
    return project


def make_recorder(name: str, roar: Path) -> Contender:
    project = make_project(name)
    subprocess.run([roar, "init", "-n"], cwd=project, check=True, capture_output=True)
    return Contender(name, (str(roar), "run", "-q"), project)


def write_files(folder: Path, count: int) -> None:
    """Writes `count` files of 4 KiB with content that no earlier call wrote."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:05}.bin").write_bytes(os.urandom(4096))


def write_large(folder: Path, mebibytes: int) -> None:
    """Writes a few large files with content that no earlier call wrote."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number in range(LARGE_FILES):
        with (folder / f"{number}.bin").open("wb") as file:
            for _ in range(mebibytes // LARGE_FILES):
                file.write(os.urandom(1 << 20))


@contextmanager
def private_daemon(roar: Path) -> Iterator[None]:
    """Gives the runs a daemon of their own, and stops it at the end."""
    with tempfile.TemporaryDirectory(prefix="roar-bench-") as runtime:
        os.environ |= {"ROAR_RUNTIME_DIR": runtime, "XDG_STATE_HOME": str(SCRATCH / "state"), "DO_NOT_TRACK": "1"}
        try:
            yield
        finally:
            subprocess.run([roar, "daemon", "stop"], check=False, capture_output=True)


def version_of(roar: Path) -> str:
    """Returns the last word that `roar --version` prints on its first line."""
    said = subprocess.run([roar, "--version"], check=True, capture_output=True, text=True).stdout
    return said.splitlines()[0].split()[-1]


def report(results: list[Result], options: argparse.Namespace) -> str:
    lines = [
        "# What recording costs",
        "",
        "Written by `make bench`, with `BENCH='--roar-cli PATH/bin/roar'` for roar-cli beside it; run_overhead.py says",
        "how. Medians over interleaved rounds; *added* and *ratio* are against the bare command in the same rounds.",
        "Times are of the wall clock, on a machine that does other things too: trust differences and ratios.",
        "",
        f"roar {version_of(options.roar)} · {machine()}",
    ]
    for case in dict.fromkeys(result.case for result in results):
        lines += ["", f"## {case.title}", "", f"{case.rounds} rounds.", ""]
        lines += ["| | median | fastest | slowest | added | ratio |", "|---|---|---|---|---|---|"]
        of_case = [result for result in results if result.case is case]
        lines += [row(result, of_case[0]) for result in of_case]
    return "\n".join(lines) + "\n"


def row(result: Result, bare: Result) -> str:
    figures = [result.median, min(result.seconds), max(result.seconds)]
    compared = ["", ""]
    if result is not bare:
        compared = [shown(result.median - bare.median), f"{result.median / bare.median:.1f}"]
    return f"| {' | '.join([result.contender.name, *(shown(figure) for figure in figures), *compared])} |"


if __name__ == "__main__":
    sys.exit(main())
