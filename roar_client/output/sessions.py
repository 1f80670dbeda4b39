"""The sessions of a project, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from roar_proto.v1 import sessions_pb2

from roar_client.output.documents import Document, Value, session_summary
from roar_client.output.human import SHORT_HASH, ago, plural
from roar_client.output.text import Line, Span, columns, note, say


def sessions_document(response: sessions_pb2.ListSessionsResponse) -> Document:
    """Returns all sessions, newest first."""
    return {"sessions": list[Value](session_summary(session) for session in response.sessions)}


def use_document(response: sessions_pb2.UseSessionResponse) -> Document:
    """Returns which session was active, and which is now."""
    return {"closed": session_summary(response.closed), "opened": session_summary(response.opened)}


def sessions_lines(response: sessions_pb2.ListSessionsResponse) -> list[Line]:
    """Returns the sessions as a table, newest first."""
    head = [Span(title, "head") for title in ("SESSION", "STATE", "STEPS", "JOBS", "SINCE")]
    return columns([head, *(_row(session) for session in response.sessions)])


def _row(session: sessions_pb2.Session) -> Sequence[Span]:
    return (
        Span(session.hash[:SHORT_HASH], "id"),
        Span("active", "good") if session.active else Span("closed", "dim"),
        Span(_steps(session)),
        Span(f"{session.jobs:,}"),
        Span(ago(session.created_at_ns)),
    )


def show_used(response: sessions_pb2.UseSessionResponse) -> None:
    """Prints which session is active now, and how to go back."""
    opened, closed = response.opened, response.closed
    if opened.number == closed.number:
        say(f"session {opened.hash[:SHORT_HASH]} is the active one already")
        return
    say(f"session {opened.hash[:SHORT_HASH]} is active ({_steps(opened)}, {plural(opened.jobs, 'job')})")
    note(f"hint: `roar session use {closed.hash[:SHORT_HASH]}` goes back")


def _steps(session: sessions_pb2.Session) -> str:
    steps = plural(session.run_steps, "step")
    return f"{steps}, {plural(session.build_steps, 'build step')}" if session.build_steps else steps
