"""Measures what each tracing backend costs, as whole processes, and writes a section of benchmarks/RESULTS.md.

Every workload runs bare, under each backend of `roar run`, under `auto`, under strace, and, when `--roar-cli` names its
`roar` command, under roar-cli: in turn, round by round, so that all meet the same machine. Four figures of each:

- whole: from the start of `roar run` to its end, as a user waits for it;
- net: (whole - `roar run true` of the same contender) / bare: without the fixed cost of start and commit;
- job: the command alone, by a stopwatch inside of what is traced: what tracing does to it, and nothing else;
- CPU: seconds of the whole tree of processes, and of the daemon's and collector's work meanwhile ("behind").

Figures are medians; ratios are to the bare command of the same rounds. A recorder that has not ended two minutes after
the job itself is killed, and not run again in that workload: only what it did to the job counts.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from report import RESULTS, machine, put_section, shown
from workloads import FIXED, Workload, clear, make_project, workloads

HERE = Path(__file__).resolve().parent
SCRATCH = HERE.parent / "build" / "bench-backends"  # not below /tmp, where roar-cli sees nothing
TITLE = "# What tracing costs, by backend"
BACKENDS = ("ebpf", "preload", "ptrace", "auto")
STRACE = ("strace", "-f", "-qq", "-e", "trace=file", "-o", "/dev/null")
SLOW_ROUNDS = 2
COLLECTOR_S = 2.0
"""After which a daemon that has just started has its eBPF programs loaded."""
SETTLE_S, SETTLE_ROUNDS = 0.03, 33
LIMIT_S, LOOK_S = 120.0, 1.0
OVERDUE = f"> {LIMIT_S / 60:.0f} min"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Contender:
    """A way to run a command."""

    name: str
    prefix: tuple[str, ...]
    rounds: int
    project: Path


@dataclass(frozen=True)
class Figures:
    """Seconds of one run."""

    whole: float
    """Infinite: it was killed."""
    job: float
    cpu: float
    """Of the whole tree of processes; infinite likewise."""
    job_cpu: float
    behind: float
    """CPU of the daemon and what it started, meanwhile."""


@dataclass
class Result:
    """All runs of one contender in one workload, but for the first, which warms up, unless it was killed."""

    workload: Workload
    contender: Contender
    runs: list[Figures] = field(default_factory=list)

    @property
    def is_overdue(self) -> bool:
        return any(math.isinf(run.whole) for run in self.runs)

    def median(self, figure: str) -> float:
        return float(statistics.median(getattr(run, figure) for run in self.runs))

    def mean(self, figure: str) -> float:
        return statistics.fmean(getattr(run, figure) for run in self.runs)


def main() -> int:
    options = parse_options()
    clear(SCRATCH)
    with private_daemon(options.roar) as daemon:
        contenders = list(available(options, make_project(SCRATCH / "project")))
        chosen = [FIXED, *(workload for workload in workloads() if options.only in workload.title)]
        results = [result for workload in chosen for result in measure(workload, contenders, daemon)]
    clear(SCRATCH)
    text = report(results, contenders, options)
    print(text)
    if not options.only:
        put_section(options.out, text)
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--roar", type=Path, default=shutil.which("roar"), help="default: the one on PATH")
    parser.add_argument(
        "--roar-cli", type=Path, metavar="ROAR", help="its `roar`, from a virtual environment of its own"
    )
    parser.add_argument("--roar-cli-tracers", default="ebpf preload ptrace", help="default: %(default)s")
    parser.add_argument("--backends", default=" ".join(BACKENDS), help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help=f"but {SLOW_ROUNDS} of strace and roar-cli; default: 5")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="workloads whose title holds this; writes no results"
    )
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    if options.roar is None:
        parser.error("no `roar` on PATH: build it first (`make build`), or say --roar PATH")
    options.roar = options.roar.resolve()
    return options


def available(options: argparse.Namespace, project: Path) -> Iterator[Contender]:
    """Yields what works on this machine, the bare command first; says of everything else why it does not."""
    roar, rounds, slow = str(options.roar), options.rounds, min(SLOW_ROUNDS, options.rounds)
    subprocess.run([roar, "init", "-n"], cwd=project, check=True, capture_output=True)
    yield Contender("bare", (), rounds, project)
    found = [
        Contender(name, (roar, "run", "-q", "--tracer", name, "--no-tracer-fallback", "--"), rounds, project)
        for name in options.backends.split()
    ]
    found.append(Contender("strace", STRACE, slow, project))
    if options.roar_cli:
        # Not resolved: a console script finds its packages by the folder that it lies in.
        cli = str(options.roar_cli.absolute())
        # Of its own: it keeps its database in `.roar`, too.
        theirs = make_project(SCRATCH / "roar-cli", large=project / "large")
        subprocess.run([cli, "init", "-n"], cwd=theirs, check=True, capture_output=True)
        for tracer in options.roar_cli_tracers.split():
            run = (cli, "run", "-q", "--tracer", tracer, "--no-tracer-fallback")
            found.append(Contender(f"roar-cli {tracer}", run, slow, theirs))
    else:
        print("no --roar-cli: left out", file=sys.stderr)
    time.sleep(COLLECTOR_S)
    for contender in found:
        if reason := why_not(contender):
            print(f"left out: {contender.name}: {reason}", file=sys.stderr)
        else:
            yield contender


def why_not(contender: Contender) -> str | None:
    """Returns why a contender cannot run `true` here."""
    try:
        done = subprocess.run(
            [*contender.prefix, "true"], cwd=contender.project, capture_output=True, text=True, check=False
        )
    except OSError as error:
        return str(error)
    return (done.stderr.strip() or f"status {done.returncode}") if done.returncode else None


def measure(workload: Workload, contenders: Sequence[Contender], daemon: Daemon) -> list[Result]:
    """Returns one result a contender; the first round warms caches and daemons and does not count."""
    results = [Result(workload, contender) for contender in contenders]
    most = max(contender.rounds for contender in contenders)
    for number in range(most + 1):
        print(f"{workload.title}: round {number} of {most}", file=sys.stderr)
        for result in results:
            if number > result.contender.rounds or result.is_overdue:
                continue
            # A checkout must find the other state, whoever ran before.
            argv = [word.replace("{turn}", "one") for word in workload.argv]
            if "{turn}" in workload.argv:
                back = ["git", "-C", "repo", "checkout", "-q", "--detach", "two"]
                subprocess.run(back, cwd=result.contender.project, check=True)
            daemon.settle()
            run = run_once(argv, result.contender, daemon)
            if number > 0 or math.isinf(run.whole):
                result.runs.append(run)
    return results


def run_once(argv: Sequence[str], contender: Contender, daemon: Daemon) -> Figures:
    """Runs a command to its end. Raises RuntimeError when it fails."""
    project = contender.project
    times = project / "times"
    times.unlink(missing_ok=True)
    command = [*contender.prefix, str(project / "stopwatch"), str(times), *argv]
    behind, started = daemon.cpu(), time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command, cwd=project, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
        )
        ended = ends_in_time(process.pid, times)
        _, status, usage = os.wait4(process.pid, 0)
        whole = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode and ended:
            said.seek(0)
            raise RuntimeError(f"{contender.name}: {argv[0]} ended with {process.returncode}: {said.read()}")
    job, job_cpu = map(float, times.read_text().split())
    if not ended:
        return Figures(math.inf, job, math.inf, job_cpu, daemon.cpu() - behind)
    return Figures(whole, job, usage.ru_utime + usage.ru_stime, job_cpu, daemon.cpu() - behind)


def ends_in_time(pid: int, times: Path) -> bool:
    """Waits for the end of a process; kills it and all below it LIMIT_S after the stopwatch has written the times."""
    deadline = math.inf
    ending = select.poll()
    with open(os.pidfd_open(pid), "rb", buffering=0) as process:
        ending.register(process, select.POLLIN)
        while not ending.poll(LOOK_S * 1000):
            if deadline == math.inf and times.exists():
                deadline = time.monotonic() + LIMIT_S
            if time.monotonic() > deadline:
                for victim in (*_children(pid), pid):
                    with suppress(ProcessLookupError):
                        os.kill(victim, signal.SIGKILL)
                return False
    return True


class Daemon:
    """The processes that work for all runs: roard, and what it started."""

    def __init__(self, roar: Path, project: Path) -> None:
        self._roar = roar
        self._project = project
        self._pids: list[int] = []

    def cpu(self) -> float:
        """Returns the seconds of CPU that they have used so far; 0 as long as none is known."""
        if not self._pids:
            self._pids = self._find()
        return sum(map(_cpu_of, self._pids))

    def settle(self) -> None:
        """Waits, a second at most, until they are done with what the run before has left to them."""
        used = -1.0
        for _ in range(SETTLE_ROUNDS):
            if used == (used := self.cpu()):
                return
            time.sleep(SETTLE_S)

    def _find(self) -> list[int]:
        if not self._project.exists():
            return []
        words = [str(self._roar), "daemon", "status", "--json"]
        told = subprocess.run(words, cwd=self._project, capture_output=True, text=True, check=False)
        pid = json.loads(told.stdout).get("pid") if told.returncode == 0 else None
        return [] if pid is None else [int(pid), *_children(int(pid))]


def _children(pid: int) -> Iterator[int]:
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, path.read_text().split()):
            yield child
            yield from _children(child)


def _cpu_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def private_daemon(roar: Path) -> Iterator[Daemon]:
    """Gives the runs a daemon of their own, and stops it at the end."""
    with tempfile.TemporaryDirectory(prefix="roar-bench-") as runtime:
        os.environ |= {"ROAR_RUNTIME_DIR": runtime, "XDG_STATE_HOME": str(SCRATCH / "state"), "DO_NOT_TRACK": "1"}
        try:
            yield Daemon(roar, SCRATCH / "project")
        finally:
            subprocess.run([roar, "daemon", "stop"], check=False, capture_output=True)


def report(results: Sequence[Result], contenders: Sequence[Contender], options: argparse.Namespace) -> str:
    """Returns the section: a table of job ratios with the goals, then all figures of each workload."""
    version = version_of(options.roar)
    by_workload = {
        workload: [result for result in results if result.workload is workload]
        for workload in dict.fromkeys(result.workload for result in results)
    }
    names = [contender.name for contender in contenders[1:]]
    lines = [
        TITLE,
        "",
        "Written by `make bench-backends`; backend_overhead.py says how. Medians over interleaved rounds.",
        f"`{OVERDUE}`: the recorder was killed so long after the job itself had ended.",
        "",
    ]
    lines += [f"roar {version} · {machine()}", ""]
    lines += ["Ratio of the job alone to the bare command (goal missed: **bold**):", ""]
    lines += [f"| | bare | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|"]
    lines += [summary(of_workload) for workload, of_workload in by_workload.items() if workload is not FIXED]
    fixed = {result.contender.name: result.median("whole") for result in by_workload[FIXED]}
    for workload, of_workload in by_workload.items():
        lines += ["", f"## {workload.title}", ""]
        lines += [
            "| | whole | ratio | net | job | job ratio | CPU | CPU ratio | job CPU ratio | behind |",
            "|---" * 10 + "|",
        ]
        lines += [row(result, of_workload[0], fixed) for result in of_workload]
    return "\n".join(lines) + "\n"


def version_of(roar: Path) -> str:
    return subprocess.run([roar, "--version"], check=True, capture_output=True, text=True).stdout.split()[1]


def summary(of_workload: Sequence[Result]) -> str:
    bare, *others = of_workload
    goals = dict(bare.workload.goals)
    cells = []
    for result in others:
        ratio = round(result.median("job") / bare.median("job"), 2)
        missed = ratio > goals.get(result.contender.name, ratio)
        cells.append(f"**{ratio:.2f}**" if missed else f"{ratio:.2f}")
    return f"| {bare.workload.title} | {shown(bare.median('job'))} | {' | '.join(cells)} |"


def row(result: Result, bare: Result, fixed: dict[str, float]) -> str:
    def ratio(figure: str) -> str:
        return f"{result.median(figure) / bare.median(figure):.2f}" if bare.median(figure) else ""

    job = [shown(result.median("job")), ratio("job")]
    if result.is_overdue:
        whole, cpu = [OVERDUE, "", ""], ["", ""]
    else:
        seconds = result.median("whole")
        net = (seconds - fixed[result.contender.name]) / bare.median("whole")
        whole, cpu = [shown(seconds), ratio("whole"), f"{net:.2f}"], [shown(result.median("cpu")), ratio("cpu")]
    cells = [result.contender.name, *whole, *job, *cpu, ratio("job_cpu"), shown(result.mean("behind"))]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
