"""Measures what the read commands ask the daemon, in a large project, and writes a section of benchmarks/RESULTS.md.

The projects have 10,000 jobs with 1,000,000 uses of files (history.py), and the files of now on disk, of which one was
edited and one removed; they are made once and kept below build/. Asked is a real daemon on its socket; a figure is the
time from the request to the last byte of the answer, with everything that the command asks for: also the look at the
files on disk. The first question of each kind is told apart: it finds the caches of the daemon and of the file system
as the project's opening left them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from history import Size, write_history
from report import RESULTS, machine, put_section, shown
from roar_proto.v1 import jobs_pb2, lineage_pb2, sessions_pb2
from run_overhead import private_daemon, version_of

from roar_client.runtime import open_runtime_dir
from roard.db.reading import reader
from roard.hashing.pool import HashPool
from roard.projects import Projects

SCRATCH = Path(__file__).resolve().parent.parent / "build" / "bench-queries"
TITLE = "# What a large project costs those who look at it"
GOAL_S = 0.05
_SHAPE = """
SELECT (SELECT count(*) FROM steps WHERE session_id = sessions.id),
       (SELECT count(*) FROM session_files WHERE session_id = sessions.id),
       (SELECT count(*) FROM inputs) + (SELECT count(*) FROM outputs)
FROM sessions WHERE active
"""
ROUNDS, FEWEST, PATIENCE_S = 15, 4, 4.0


@dataclass(frozen=True)
class Question:
    """What a command asks."""

    command: str
    method: str
    request: bytes


@dataclass(frozen=True)
class Answer:
    """How long it took, in seconds."""

    question: Question
    first: float
    later: Sequence[float]
    size: int
    """Bytes of the answer."""


@dataclass(frozen=True)
class Measured:
    """A project, and what was found out in it."""

    size: Size
    shape: str
    answers: Sequence[Answer]


def main() -> int:
    options = parse_options()
    options.projects.mkdir(parents=True, exist_ok=True)
    sizes = [Size(options.jobs, sessions, options.seed) for sessions in options.sessions]
    measured = [measure(options, size) for size in sizes]
    text = report(measured, options.roar)
    put_section(options.out, text)
    print(text)
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--roar", type=Path, default=shutil.which("roar"), help="default: the one on PATH")
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--sessions", type=int, nargs="+", default=[20, 1], help="a project each")
    parser.add_argument("--projects", type=Path, default=SCRATCH, help="where they are kept for the next time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    options.roar = options.roar.resolve()
    return options


def measure(options: argparse.Namespace, size: Size) -> Measured:
    root = (options.projects / f"{size.jobs}-{size.sessions}-{size.seed}").resolve()
    if not (root / "made").exists():
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        make_project(root, size)
    with private_daemon(options.roar):
        # Starts the daemon; the project is opened by it.
        subprocess.run([options.roar, "log", "-n", "1"], cwd=root, check=True, capture_output=True)
        with asking() as (channel, metadata):
            answers = [ask(channel, metadata, question) for question in questions(bytes(root))]
            shape = shape_of(root)
    return Measured(size, shape, answers)


def make_project(root: Path, size: Size) -> None:
    pool = HashPool()
    projects = Projects(pool)
    projects.init(bytes(root))
    write_history(projects.open(bytes(root)), size)
    projects.close()
    pool.close()
    (root / "data/prices/raw/part-003.csv").write_text("edited by hand")
    (root / "features/images/train/part-005.npy").unlink()
    (root / "made").touch()


def questions(root: bytes) -> list[Question]:
    def upstream(ref: bytes) -> lineage_pb2.GetLineageRequest:
        return lineage_pb2.GetLineageRequest(project_root=root, cwd=root, ref=ref)

    lineage, sessions, jobs = "LineageService", "SessionService", "JobService"
    resolve = lineage_pb2.ResolveRequest(project_root=root, cwd=root, kind=lineage_pb2.REF_KIND_SESSION)
    step = lineage_pb2.ResolveRequest(project_root=root, cwd=root, ref=b"@3")
    model = lineage_pb2.ResolveRequest(project_root=root, cwd=root, ref=b"models/ensemble.pt")
    every = jobs_pb2.ListJobsRequest(project_root=root, all_sessions=True, limit=1000)
    found = jobs_pb2.ListJobsRequest(project_root=root, all_sessions=True, grep="ensemble.*py")
    status = sessions_pb2.GetProjectStatusRequest(project_root=root)
    dag = sessions_pb2.GetDagRequest(project_root=root, check_files=True)
    asked = (
        ("status", sessions, "GetProjectStatus", status),
        ("log", jobs, "ListJobs", jobs_pb2.ListJobsRequest(project_root=root)),
        ("log --all -n 1000", jobs, "ListJobs", every),
        ("log --all --grep ensemble.*py", jobs, "ListJobs", found),
        ("show", lineage, "Resolve", resolve),
        ("show @3", lineage, "Resolve", step),
        ("show models/ensemble.pt", lineage, "Resolve", model),
        ("dag", sessions, "GetDag", dag),
        ("lineage checkpoints/prices/last.pt", lineage, "GetLineage", upstream(b"checkpoints/prices/last.pt")),
        ("lineage reports/summary.md", lineage, "GetLineage", upstream(b"reports/summary.md")),
        ("lineage logs/prices.csv", lineage, "GetLineage", upstream(b"logs/prices.csv")),
    )
    return [
        Question(name, f"/roar.v1.{kind}/{method}", request.SerializeToString())
        for name, kind, method, request in asked
    ]


@contextmanager
def asking() -> Iterator[tuple[grpc.Channel, tuple[tuple[str, str], ...]]]:
    """Yields the way to the daemon that was started."""
    runtime = open_runtime_dir()
    limit = [("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(f"unix:{os.fsdecode(runtime.socket)}", options=limit) as channel:
        yield channel, (("roar-token", runtime.token()),)


def ask(channel: grpc.Channel, metadata: tuple[tuple[str, str], ...], question: Question) -> Answer:
    """Asks again and again. The answer is not read: that is the client's time."""
    method: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(question.method)
    seconds: list[float] = []
    size = 0
    while len(seconds) <= ROUNDS and (len(seconds) < FEWEST or sum(seconds) < PATIENCE_S):
        started = time.perf_counter()
        size = len(method(question.request, metadata=metadata))
        seconds.append(time.perf_counter() - started)
    print(f"{question.command}: {shown(statistics.median(seconds[1:]))}", file=sys.stderr)
    return Answer(question, seconds[0], seconds[1:], size)


def shape_of(root: Path) -> str:
    """Returns what a reader must know of the project that the daemon has open."""
    database = root / ".roar/roar.db"
    with closing(reader(bytes(database))) as connection:
        steps, files, uses = connection.execute(_SHAPE).fetchone()
    size = database.stat().st_size / 1e6
    return f"{uses:,} uses of files in {size:,.0f} MB; the active session has {steps} steps and {files:,} files."


def report(measured: Sequence[Measured], roar: Path) -> str:
    lines = [
        TITLE,
        "",
        "Written by `make bench-queries`; query_speed.py says how, history.py what the projects are. From the request",
        f"to the last byte of the answer, up to {ROUNDS} times after the first; over {GOAL_S * 1000:.0f} ms: **bold**.",
        "Nothing is recorded in between: after the first, `status` and `dag` ask the disk, and the database no more.",
        "",
        f"roar {version_of(roar)} · {machine()}",
    ]
    for project in measured:
        sessions = "one session" if project.size.sessions == 1 else f"{project.size.sessions} sessions"
        title = f"## {project.size.jobs:,} jobs in {sessions}"
        lines += ["", title, "", project.shape, ""]
        lines += ["| | median | fastest | slowest | first | answer |", "|---|---|---|---|---|---|"]
        lines += [row(answer) for answer in project.answers]
    return "\n".join(lines) + "\n"


def row(answer: Answer) -> str:
    median = statistics.median(answer.later)
    marked = f"**{shown(median)}**" if median > GOAL_S else shown(median)
    figures = [marked, shown(min(answer.later)), shown(max(answer.later)), shown(answer.first)]
    return f"| `{answer.question.command}` | {' | '.join(figures)} | {answer.size / 1024:,.0f} KiB |"


if __name__ == "__main__":
    sys.exit(main())
