"""A run while it is followed: on a terminal, in a log, for a program."""

from __future__ import annotations

from collections.abc import Iterable

from roar_proto.v1 import live_pb2

from roar_client.output.block import Block
from roar_client.output.documents import job_summary, print_document_line
from roar_client.output.jobs import status_span
from roar_client.output.live import ended_line, live_run_document, progress_line, watch_lines
from roar_client.output.text import show

Events = Iterable[live_pb2.WatchRunResponse]


def print_events(events: Events) -> None:
    """Prints one JSON object for each event."""
    for event in events:
        if event.HasField("run"):
            print_document_line("run", live_run_document(event.run))
        else:
            print_document_line("job", job_summary(event.job))


def show_events(events: Events) -> None:
    """Shows the newest event in the place of the one before; the job stays."""
    block, before = Block(), None
    for event in events:
        if event.HasField("run"):
            block.show(watch_lines(event.run, before))
            before = event.run
        else:
            block.clear()
            show([ended_line(event.job, status_span(event.job))], crop=True)


def show_log(events: Events) -> None:
    """Prints a line for each event."""
    before = None
    for event in events:
        if event.HasField("run"):
            show([progress_line(event.run, before)], flush=True)
            before = event.run
        else:
            show([ended_line(event.job, status_span(event.job))])
