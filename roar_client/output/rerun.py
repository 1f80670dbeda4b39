"""What is to be run again and what became of it, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from roar_proto.v1 import sessions_pb2

from roar_client.output.documents import Document, job_summary
from roar_client.output.human import command_line
from roar_client.output.text import Line, Span, columns, line, note, visible


def outdated_document(response: sessions_pb2.ListOutdatedStepsResponse) -> Document:
    """Returns the steps in the order in which they are to be run, with reasons."""
    return {"steps": [_outdated_step(found) for found in response.steps]}


def _outdated_step(found: sessions_pb2.OutdatedStep) -> Document:
    step = found.step
    return {"step": step.step, "name": step.name, "reasons": list(found.reasons), "job": job_summary(step.job)}


def outdated_lines(response: sessions_pb2.ListOutdatedStepsResponse) -> list[Line]:
    """Returns each step with its command and why it is out of date, in the order in which they are to be run."""
    lines: list[Line] = []
    for found in response.steps:
        where = f"cd {command_line([found.step.job.cwd])} && " if found.step.job.cwd else ""
        lines.append(
            line(Span(found.step.step, "step"), "  ", Span(where + command_line(found.step.job.argv), "command"))
        )
        lines += columns([(Span(""), Span(visible(reason), "dim")) for reason in found.reasons], indent="    ")
    return lines


def show_done(steps: Sequence[str], goals: Sequence[str]) -> None:
    """Says what was run."""
    fresh = f"{_listed(goals)} up to date" if goals else "everything is up to date"
    note(f"ran {_listed(steps)}" if steps else fresh)


def show_stopped(how: str, left: Sequence[str]) -> None:
    """Says where it ended and what is still out of date."""
    note(f"{how}; {f'still out of date: {_listed(left)}' if left else 'nothing else is out of date'}")


def show_remaining(outdated: Sequence[sessions_pb2.OutdatedStep]) -> None:
    """Says which steps were run and are out of date again."""
    for found in outdated:
        note(f"note: {found.step.step} is out of date again: {'; '.join(map(visible, found.reasons))}")


def _listed(steps: Sequence[str]) -> str:
    return ", ".join(steps)
