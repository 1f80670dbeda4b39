"""`.roarignore` for people and as a document."""

from __future__ import annotations

from collections.abc import Iterable

from roar_proto.v1 import ignore_pb2

from roar_client.errors import shown
from roar_client.output.documents import Document, Value, in_text
from roar_client.output.text import Line, Span, columns, decoded, line, note, say


def rules_lines(response: ignore_pb2.ListIgnoreRulesResponse) -> list[Line]:
    """Returns the lines that decide, with their numbers."""
    if not response.rules:
        return [line("no rules; ", Span("`roar ignore PATH` makes one", "dim"))]
    rows = [
        (
            Span(f"{rule.line:>4}", "dim"),
            Span("counted" if rule.tracks else "left out", "good" if rule.tracks else "warn"),
            Span(decoded(rule.pattern), "path"),
        )
        for rule in response.rules
    ]
    return columns(rows)


def show_mistakes(response: ignore_pb2.ListIgnoreRulesResponse) -> None:
    """Prints the lines that are no pattern."""
    for rule in response.mistakes:
        note(f"error[bad-ignore-rule]: `{shown(response.path)}:{rule.line}`: `{decoded(rule.pattern)}` is no pattern")
        note("hint: see gitignore(5) for what a pattern may be")


def rules_document(response: ignore_pb2.ListIgnoreRulesResponse) -> Document:
    """Returns the lines that decide, and those that cannot."""
    return {
        **in_text("file", response.path),
        "rules": _documents(response.rules),
        "mistakes": _documents(response.mistakes),
    }


def _documents(rules: Iterable[ignore_pb2.IgnoreRule]) -> list[Value]:
    return [{"line": rule.line, **in_text("pattern", rule.pattern), "tracks": rule.tracks} for rule in rules]


def show_changes(response: ignore_pb2.ChangeIgnoreRulesResponse, *, track: bool) -> None:
    """Prints what became of each target."""
    will = "counted in later runs" if track else "left out of later runs"
    for change in response.changes:
        say(f"{decoded(change.target)}: {will}: {_how(change)}")
    note("note: what is recorded stays as it is")


def _how(change: ignore_pb2.IgnoreChange) -> str:
    if change.HasField("known"):
        return f"already, by `{decoded(change.known.pattern)}` (.roarignore:{change.known.line})"
    parts = [f"`{decoded(change.removed)}` is gone from .roarignore"] if change.removed else []
    if change.HasField("added"):
        parts.append(f"`{decoded(change.added.pattern)}` is new there (.roarignore:{change.added.line})")
    return ", ".join(parts)
