"""The project's state on one screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from roar_proto.v1 import sessions_pb2, types_pb2

from roar_client.output.human import SHORT_HASH, ago, plural, short
from roar_client.output.jobs import status_span
from roar_client.output.runs import run_lines
from roar_client.output.text import BLANK, Line, Span, columns, decoded, is_terminal, line, visible

MOST_FILES = 10
"""Files that are not as recorded, listed on a terminal; everything is listed where nobody scrolls."""
_ENDINGS = {types_pb2.JOB_STATUS_FAILED: "failed", types_pb2.JOB_STATUS_INTERRUPTED: "was interrupted"}
_WORDS = {
    sessions_pb2.FILE_STATE_CHANGED: Span("changed", "warn"),
    sessions_pb2.FILE_STATE_MISSING: Span("missing", "bad"),
    sessions_pb2.FILE_STATE_UNKNOWN: Span("unknown", "dim"),
}


def status_lines(response: sessions_pb2.GetProjectStatusResponse) -> list[Line]:
    """Returns session, steps with what is stale and why, files, and what runs now."""
    lines = [session_line(response.session)]
    if response.steps:
        lines += [BLANK, *step_table(response.steps)]
    lines += _stale(response.steps)
    lines += _files(response.files)
    if response.running:
        lines += [BLANK, line(Span("running", "head")), *run_lines(response.running, with_project=False)]
    if not response.session.jobs and not response.running:
        lines += [BLANK, line("nothing is recorded yet: put ", Span("roar run", "head"), " in front of a command")]
    return lines


def session_line(session: sessions_pb2.Session) -> Line:
    """Returns a session in one line."""
    steps = plural(session.run_steps, "step")
    if session.build_steps:
        steps += f", {plural(session.build_steps, 'build step')}"
    since = f" · {steps} · {plural(session.jobs, 'job')} · since {ago(session.created_at_ns)}"
    return line("session ", Span(session.hash[:SHORT_HASH], "id"), since)


def step_table(steps: Sequence[sessions_pb2.DagStep]) -> list[Line]:
    """Returns one line a step: number, name, latest job and whether it is up to date."""
    return columns([_step_row(step) for step in steps], indent="  ")


def _step_row(step: sessions_pb2.DagStep) -> Sequence[Span]:
    # A step that failed is not up to date, whatever it read.
    done = step.job.status == types_pb2.JOB_STATUS_OK
    fresh = Span("stale", "warn") if step.stale else Span("up to date", "good") if done else Span("")
    return (
        Span(step.step, "step"),
        Span(visible(step.name)),
        status_span(step.job),
        fresh,
        Span(step.job.uid, "id"),
        Span(ago(step.job.started_at_ns), "dim"),
    )


def _stale(steps: Sequence[sessions_pb2.DagStep]) -> list[Line]:
    """Returns why steps are stale, and the command that mends it."""
    reasons = {step.step: _reasons(step) for step in steps}
    rows = [
        (Span(label if index == 0 else "", "step"), Span(visible(reason)))
        for label, why in reasons.items()
        for index, reason in enumerate(why)
    ]
    if not rows:
        return []
    again = line(Span("next", "head"), "  roar rerun --stale")
    return [BLANK, line(Span("out of date, because", "head")), *columns(rows, indent="  "), BLANK, again]


def _reasons(step: sessions_pb2.DagStep) -> list[str]:
    """Returns why `roar rerun --stale` would run a step. One that never ended well has never been up to date."""
    ending = _ENDINGS.get(step.job.status, "") if step.has_succeeded else ""
    return [*([f"its newest job {ending}"] if ending else []), *step.stale_reasons]


def _files(files: Sequence[sessions_pb2.TrackedFile]) -> list[Line]:
    if not files:
        return []
    numbers = Counter(file.state for file in files)
    counts = ", ".join(
        f"{numbers[state]:,} {word}"
        for state, word in (
            (sessions_pb2.FILE_STATE_PRESENT, "as recorded"),
            (sessions_pb2.FILE_STATE_CHANGED, "changed"),
            (sessions_pb2.FILE_STATE_MISSING, "missing"),
            (sessions_pb2.FILE_STATE_UNKNOWN, "unknown"),
        )
        if numbers[state]
    )
    lines = [BLANK, line(Span("files", "head"), f"  {counts}")]
    odd = [file for file in files if file.state in _WORDS]
    shown = odd[:MOST_FILES] if is_terminal() else odd
    lines += columns([_file_row(file) for file in shown], indent="  ")
    if len(shown) < len(odd):
        lines.append(line(Span(f"  and {len(odd) - len(shown):,} more: `roar status --json` has all", "dim")))
    return lines


def _file_row(file: sessions_pb2.TrackedFile) -> Sequence[Span]:
    made = f" (made by {file.step})" if file.step else ""
    return (_WORDS[file.state], Span(short(file.hash), "id"), Span(decoded(file.path) + made, "path"))
