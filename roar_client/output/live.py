"""Runs in flight, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from roar_proto.v1 import daemon_pb2, jobs_pb2, live_pb2

from roar_client.output.documents import KINDS, Document, Value, in_text, in_words, timestamp
from roar_client.output.human import ago, command_line, duration, elapsed_ns, plural, size
from roar_client.output.text import Line, Span, columns, decoded, line

MOST_FILES = 8
"""Open files that one screen of `roar watch` shows."""
SECOND_NS = 1_000_000_000
UNKNOWN = "-"


def runs_document(runs: Iterable[live_pb2.LiveRun]) -> Document:
    """Returns runs, oldest first."""
    return {"runs": [live_run_document(live) for live in runs]}


def live_run_document(live: live_pb2.LiveRun) -> Document:
    """Returns a run and what its processes use."""
    run = live.run
    return {
        "run_id": run.run_id,
        "launcher_pid": run.launcher_pid,
        **in_text("project", run.project_root),
        **in_words("command", run.argv),
        **in_text("cwd", live.cwd),
        "kind": KINDS.get(live.kind),
        "name": live.step_name or None,
        "phase": "recording" if run.ingesting else "running",
        "started_at": timestamp(run.started_at_ns),
        "files_seen": run.files_seen,
        "files_hashed": run.files_hashed,
        "bytes_hashed": run.bytes_hashed,
        "usage": _usage(live.usage) if live.HasField("usage") else None,
        "open_files": [_open_file(file) for file in live.open_files],
    }


def _usage(usage: live_pb2.TreeUsage) -> Value:
    return {
        "processes": usage.processes,
        "threads": usage.threads,
        "cpu_s": usage.cpu_ns / SECOND_NS,
        "rss_bytes": usage.rss_bytes,
        "read_bytes": usage.read_bytes,
        "written_bytes": usage.written_bytes,
    }


def _open_file(file: live_pb2.OpenFile) -> Value:
    return {**in_text("path", file.path), "size": file.size, "position": file.position, "written": file.written}


def run_table(runs: Sequence[live_pb2.LiveRun], *, projects: bool) -> list[Line]:
    """Returns one line a run; projects: with the project of each."""
    if not runs:
        return []
    titles = ["PID", "STATE", "TIME", "CPU", "MEMORY", "READ", "WRITTEN", *(["PROJECT"] if projects else []), "COMMAND"]
    return columns([[Span(title, "head") for title in titles], *(run_row(live, projects=projects) for live in runs)])


def run_row(live: live_pb2.LiveRun, *, projects: bool) -> list[Span]:
    """Returns the cells of a run: pid, state, time, CPU on average, memory, read, written, command."""
    run, usage = live.run, live.usage
    known = live.HasField("usage")
    elapsed = elapsed_ns(run.started_at_ns)
    project = [Span(decoded(run.project_root), "path")] if projects else []
    return [
        Span(str(run.launcher_pid), "id"),
        state_span(run),
        Span(duration(elapsed)),
        Span(percent(usage.cpu_ns, elapsed) if known else UNKNOWN),
        Span(size(usage.rss_bytes) if known else UNKNOWN),
        Span(size(usage.read_bytes) if known else UNKNOWN),
        Span(size(usage.written_bytes) if known else UNKNOWN),
        *project,
        Span(command_line(run.argv), "command"),
    ]


def state_span(run: daemon_pb2.RunInFlight) -> Span:
    """Returns whether the command runs, or has ended and is being recorded."""
    return Span("recording", "warn") if run.ingesting else Span("running", "good")


def percent(part: int, whole: int) -> str:
    """Returns a share, as "45%"; of nothing, a dash."""
    return f"{100 * part / whole:.0f}%" if whole else UNKNOWN


def watch_lines(live: live_pb2.LiveRun, before: live_pb2.LiveRun | None) -> list[Line]:
    """Returns a run on a screen. before: the same run a while ago, for what happens by the second."""
    run = live.run
    title = [
        state_span(run),
        Span(f" for {duration(elapsed_ns(run.started_at_ns))}"),
        Span(f" · pid {run.launcher_pid}", "dim"),
    ]
    if live.step_name:
        title.append(Span(f" · {decoded(live.step_name.encode())}", "step"))
    facts = [(name, value) for name, value in _facts(live, before) if value]
    lines = [line(Span(command_line(run.argv), "command")), tuple(title)]
    lines += columns([(Span(name, "dim"), Span(value)) for name, value in facts], indent="  ")
    return lines + _open_file_lines(live)


def progress_line(live: live_pb2.LiveRun, before: live_pb2.LiveRun | None) -> Line:
    """Returns a run in one line, for a log."""
    facts = [f"{name} {value}" for name, value in _facts(live, before) if value]
    return line(
        state_span(live.run), f" for {duration(elapsed_ns(live.run.started_at_ns))}", *(f" · {fact}" for fact in facts)
    )


def _facts(live: live_pb2.LiveRun, before: live_pb2.LiveRun | None) -> list[tuple[str, str]]:
    run, usage = live.run, live.usage
    hashed = f"{run.files_hashed:,} hashed, {size(run.bytes_hashed)}" if run.files_hashed else ""
    files = ", ".join(filter(None, [f"{run.files_seen:,} seen" if run.files_seen else "", hashed]))
    if not live.HasField("usage"):
        return [("files", files)]
    last = before.usage if before and before.HasField("usage") else None
    return [
        ("cpu", f"{_load(live, last)}, {duration(usage.cpu_ns)} in all"),
        ("memory", size(usage.rss_bytes)),
        ("processes", f"{usage.processes:,}, {plural(usage.threads, 'thread')}"),
        ("read", size(usage.read_bytes) + _rate(usage, last, "read_bytes")),
        ("written", size(usage.written_bytes) + _rate(usage, last, "written_bytes")),
        ("files", files),
    ]


def _load(live: live_pb2.LiveRun, last: live_pb2.TreeUsage | None) -> str:
    """Returns the CPU used since the last look, or on average when there was none."""
    if last is None or live.usage.at_ns <= last.at_ns:
        return percent(live.usage.cpu_ns, elapsed_ns(live.run.started_at_ns))
    return percent(max(live.usage.cpu_ns - last.cpu_ns, 0), live.usage.at_ns - last.at_ns)


def _rate(usage: live_pb2.TreeUsage, last: live_pb2.TreeUsage | None, counter: str) -> str:
    """Returns how fast a counter grows; nothing when it does not. A process that left the tree makes it shrink."""
    grown = getattr(usage, counter) - getattr(last, counter) if last else 0
    if last is None or grown <= 0 or usage.at_ns <= last.at_ns:
        return ""
    return f" ({size(grown * SECOND_NS // (usage.at_ns - last.at_ns))}/s)"


def _open_file_lines(live: live_pb2.LiveRun) -> list[Line]:
    if not live.open_files:
        return []
    shown = live.open_files[:MOST_FILES]
    lines = columns(
        [
            (
                Span("writes" if file.written else "reads", "dim"),
                Span(_progress(file)),
                Span(_name(live.run, file), "path"),
            )
            for file in shown
        ],
        indent="  ",
    )
    if len(shown) < len(live.open_files):
        lines.append(line(Span(f"  and {len(live.open_files) - len(shown):,} more open files", "dim")))
    return lines


def _progress(file: live_pb2.OpenFile) -> str:
    """Returns how large a file is that is written, and how far one is that is read."""
    if file.written or not file.size:
        return size(file.size)
    return f"{percent(min(file.position, file.size), file.size)} of {size(file.size)}"


def _name(run: daemon_pb2.RunInFlight, file: live_pb2.OpenFile) -> str:
    return decoded(file.path.removeprefix(run.project_root.rstrip(b"/") + b"/"))


def ended_line(job: jobs_pb2.Job, ended: Span) -> Line:
    """Returns what a run was recorded as."""
    facts = f" after {duration(job.duration_ns)} · read {job.input_count:,} · wrote {job.output_count:,}"
    if job.output_bytes:
        facts += f" ({size(job.output_bytes)})"
    return line(
        Span(job.step, "step"),
        " ",
        ended,
        facts,
        " · job ",
        Span(job.uid, "id"),
        Span(f" · {ago(job.started_at_ns)}", "dim"),
    )
