"""Runs in flight for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from roar_proto.v1 import daemon_pb2

from roar_client.output.human import command_line, duration, plural, size
from roar_client.output.text import Line, Span, columns, decoded


def run_lines(runs: Iterable[daemon_pb2.RunInFlight], *, with_project: bool) -> list[Line]:
    """Returns one line a run: what it does, for how long, how far its files are hashed, and the command."""
    return columns([_run_row(run, with_project=with_project) for run in runs], indent="  ")


def _run_row(run: daemon_pb2.RunInFlight, *, with_project: bool) -> Sequence[Span]:
    return (
        Span("recording" if run.ingesting else "running", "good"),
        Span(duration(run.elapsed_ns)),
        Span(f"pid {run.launcher_pid}", "dim"),
        Span(_files(run)),
        *([Span(decoded(run.project_root), "path")] if with_project else []),
        Span(command_line(run.argv), "command"),
    )


def _files(run: daemon_pb2.RunInFlight) -> str:
    seen = plural(run.files_seen, "file") if run.files_seen else "no file"
    return f"{seen} seen, {run.files_hashed:,} hashed ({size(run.bytes_hashed)})"
