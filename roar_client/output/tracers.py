"""The backends for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from roar_proto.v1 import tracers_pb2

from roar_client.errors import shown
from roar_client.output.text import BLANK, Line, Span, columns, line, note, say, visible

_INDENT = "  "


def status_lines(response: tracers_pb2.GetTracersResponse) -> list[Line]:
    """Returns which backend is used, and the state of each."""
    used = response.chosen or "none: commands run unwatched"
    which = "" if used == response.default_tracer else f", here {used}"
    fallback = "the next best one takes its place" if response.fallback else "no other takes its place"
    head = line(Span("default", "head"), f"  {response.default_tracer}{which}; when it does not work, {fallback}")
    return [head, BLANK, *tracer_lines(response.tracers)]


def tracer_lines(tracers: Sequence[tracers_pb2.Tracer]) -> list[Line]:
    """Returns whether each backend works, why not and what to do, and what it cannot see."""
    return columns([row for tracer in tracers for row in _rows(tracer)], indent=_INDENT)


def _rows(tracer: tracers_pb2.Tracer) -> Iterator[Sequence[Span]]:
    if tracer.usable:
        took = f"in {tracer.probe_ns / 1e6:.0f}ms"
        picked = "; picked by auto" if tracer.picked_by_auto else ""
        yield Span(tracer.name, "head"), Span("works", "good"), Span(f"saw a program {took}{picked}", "dim")
    else:
        yield Span(tracer.name, "head"), Span("does not work", "bad"), Span(visible(tracer.reason))
        if tracer.hint:
            yield Span(""), Span(""), Span(f"hint: {visible(tracer.hint)}")
    for number, blind_to in enumerate(tracer.blind_to):
        yield Span(""), Span("" if number else "cannot see", "dim"), Span(blind_to, "dim")


def show_default(name: str, response: tracers_pb2.SetDefaultTracerResponse) -> None:
    """Prints where the default is written, and what it comes to."""
    say(f'tracer.default is "{name}" now, in {shown(response.path)}')
    if name not in {"auto", response.chosen}:
        instead = f"{response.chosen} takes its place" if response.chosen else "nothing takes its place"
        note(f"note: {name} does not work here, {instead}; `roar tracer check {name}` says why")
