"""One table for each kind of thing: what it asks the daemon, and its rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from roar_proto.v1 import files_pb2, jobs_pb2, lineage_pb2, live_pb2, sessions_pb2

from roar_client.connection import Daemon
from roar_client.output.files import TITLES, file_row
from roar_client.output.graph import dag_blocks
from roar_client.output.human import SHORT_HASH, ago
from roar_client.output.jobs import log_row
from roar_client.output.live import run_row, watch_lines
from roar_client.output.text import Line, Span

MOST_ROWS = 1_000
ORDERS = (
    files_pb2.FILE_ORDER_SIZE,
    files_pb2.FILE_ORDER_READS,
    files_pb2.FILE_ORDER_WRITES,
    files_pb2.FILE_ORDER_RECENT,
)

ORDER_NAMES = dict(zip(ORDERS, ("size", "reads", "writes", "last use"), strict=True))


@dataclass(frozen=True)
class Wish:
    """What is to be listed."""

    root: bytes
    holding: str = ""
    """Only what holds this text."""
    all_sessions: bool = False
    order: files_pb2.FileOrder.ValueType = files_pb2.FILE_ORDER_SIZE


@dataclass(frozen=True)
class Target:
    """What a row stands for: a reference to be resolved, or lines that are known already."""

    ref: bytes = b""
    kind: lineage_pb2.RefKind.ValueType = lineage_pb2.REF_KIND_UNSPECIFIED
    lines: Sequence[Line] = ()


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    key: str
    """The same for the same thing, however the table changes."""
    cells: Sequence[Sequence[Line]]
    """Each of one line or more."""
    target: Target

    @property
    def height(self) -> int:
        return max(len(cell) for cell in self.cells)


@dataclass(frozen=True)
class Listing:
    """What a table shows."""

    rows: Sequence[Row] = ()
    total: int = 0
    """Things that match; more than there are rows when those were too many."""


@dataclass(frozen=True)
class View:
    """A kind of thing."""

    name: str
    titles: Sequence[str]
    empty: str
    """Said when there is nothing."""
    load: Callable[[Daemon, Wish], Listing] = field(repr=False)


def _row(key: str, cells: Sequence[Span], target: Target) -> Row:
    return Row(key, [[(cell,)] for cell in cells], target)


def _holds(wish: Wish, cells: Sequence[Span]) -> bool:
    return wish.holding.lower() in " ".join(cell.text for cell in cells).lower()


def load_steps(daemon: Daemon, wish: Wish) -> Listing:
    """Returns the graph of the active session, one row a step."""
    request = sessions_pb2.GetDagRequest(project_root=wish.root, check_files=True)
    response = daemon.call(daemon.sessions.GetDag, request)
    if wish.holding:
        kept = [step for step in response.steps if _holds(wish, [Span(f"{step.step} {step.name}")])]
        response = sessions_pb2.GetDagResponse(session=response.session, steps=kept, files=response.files)
    jobs = {step.step: step.job.uid for step in response.steps}
    rows = [
        Row(block.node, [block.lines], Target(jobs[block.node].encode(), lineage_pb2.REF_KIND_JOB))
        for block in dag_blocks(response)
    ]
    return Listing(rows, len(rows))


def load_jobs(daemon: Daemon, wish: Wish) -> Listing:
    """Returns the newest jobs."""
    request = jobs_pb2.ListJobsRequest(
        project_root=wish.root, limit=MOST_ROWS, all_sessions=wish.all_sessions, grep=re.escape(wish.holding)
    )
    response = daemon.call(daemon.jobs.ListJobs, request)
    rows = [_row(job.uid, log_row(job), Target(job.uid.encode(), lineage_pb2.REF_KIND_JOB)) for job in response.jobs]
    return Listing(rows, response.total)


def load_files(daemon: Daemon, wish: Wish) -> Listing:
    """Returns the files first in the order asked for."""
    request = files_pb2.ListFilesRequest(
        project_root=wish.root,
        limit=MOST_ROWS,
        all_sessions=wish.all_sessions,
        order=wish.order,
        holding=wish.holding.encode("utf-8", "surrogateescape"),
    )
    response = daemon.call(daemon.files.ListFiles, request)
    rows = [
        _row(repr(file.path), file_row(file), Target(file.path, lineage_pb2.REF_KIND_PATH)) for file in response.files
    ]
    return Listing(rows, response.total)


def load_sessions(daemon: Daemon, wish: Wish) -> Listing:
    """Returns the sessions, the newest first."""
    request = sessions_pb2.ListSessionsRequest(project_root=wish.root)
    rows = [
        _row(str(session.number), cells, Target(session.hash.encode(), lineage_pb2.REF_KIND_SESSION))
        for session in daemon.call(daemon.sessions.ListSessions, request).sessions
        if _holds(wish, cells := _session_row(session))
    ]
    return Listing(rows, len(rows))


def _session_row(session: sessions_pb2.Session) -> list[Span]:
    return [
        Span(session.hash[:SHORT_HASH], "id"),
        Span("active", "good") if session.active else Span("closed", "dim"),
        Span(f"{session.run_steps + session.build_steps:,}"),
        Span(f"{session.jobs:,}"),
        Span(ago(session.created_at_ns), "dim"),
        Span(ago(session.last_job_at_ns) if session.last_job_at_ns else "-", "dim"),
    ]


def load_runs(daemon: Daemon, wish: Wish) -> Listing:
    """Returns what runs in the project now."""
    runs = daemon.call(daemon.live.ListRuns, live_pb2.ListRunsRequest(project_root=wish.root)).runs
    rows = [
        _row(live.run.run_id, cells, Target(lines=watch_lines(live, None)))
        for live in runs
        if _holds(wish, cells := run_row(live, projects=False))
    ]
    return Listing(rows, len(rows))


STEPS = View("Pipeline", ("",), "no steps yet: put `roar run` in front of a command", load_steps)
JOBS = View("Jobs", ("JOB", "STEP", "STARTED", "TOOK", "STATUS", "COMMAND"), "no job is recorded yet", load_jobs)
FILES = View("Files", TITLES, "no file is recorded yet", load_files)
SESSIONS = View("Sessions", ("SESSION", "STATE", "STEPS", "JOBS", "BEGAN", "LAST JOB"), "no session", load_sessions)
RUNS = View(
    "Runs", ("PID", "STATE", "TIME", "CPU", "MEMORY", "READ", "WRITTEN", "COMMAND"), "nothing runs now", load_runs
)
VIEWS = (STEPS, JOBS, FILES, SESSIONS, RUNS)
