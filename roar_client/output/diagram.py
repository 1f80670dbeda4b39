"""The pipeline for documents: what is in the diagram, and how dot and mermaid write it. picture.py draws it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from roar_proto.v1 import jobs_pb2, sessions_pb2, types_pb2

from roar_client.output.human import size
from roar_client.output.text import decoded, visible, width_of

LONGEST = 42
"""Columns of a line in a box; the rest is in the box's tooltip."""


@dataclass(frozen=True)
class Look:
    """Colours that can be read on dark and on light paper: each box brings its own."""

    fill: str
    line: str


LOOKS = {
    "step": Look("#dbeafe", "#3b82f6"),
    "stale": Look("#fef3c7", "#d97706"),
    "failed": Look("#fee2e2", "#dc2626"),
    "file": Look("#f1f5f9", "#94a3b8"),
    "changed": Look("#fef3c7", "#d97706"),
    "missing": Look("#fee2e2", "#dc2626"),
}
TEXT = "#0f172a"
EDGE = "#8b95a5"


@dataclass(frozen=True)
class Item:
    """A box."""

    id: str
    kind: str
    """One of LOOKS."""
    lines: tuple[str, ...]
    """What stands in it, the first one its title; none longer than LONGEST."""
    about: str
    """Everything, uncut."""
    is_file: bool = False


@dataclass(frozen=True)
class Diagram:
    """Boxes and arrows, without a cycle."""

    items: tuple[Item, ...]
    edges: tuple[tuple[str, str], ...]


def diagram(
    response: sessions_pb2.GetDagResponse,
    executions: Sequence[jobs_pb2.Job] | None,
    *,
    stale_only: bool,
    all_files: bool,
) -> Diagram:
    """Returns the steps of a session, with all_files also their files, as boxes; arguments as of graph.dag_lines."""
    steps = [step for step in response.steps if step.stale or not stale_only]
    drawn = {step.step for step in steps}
    items = [_step_item(step, executions) for step in steps]
    edges = {(parent, step.step) for step in steps for parent in step.parents if parent in drawn}
    if all_files:
        parents = {step.step: set(step.parents) for step in steps}
        files = [file for file in response.files if file.producer in drawn or drawn.intersection(file.consumers)]
        for file in files:
            item = _file_item(file)
            items.append(item)
            # Who read an earlier version of a file has an arrow from its step: the newest one may come after it.
            readers = [step for step in file.consumers if step in drawn and _read(file, parents[step])]
            edges |= {(item.id, step) for step in readers}
            if file.producer in drawn:
                edges.add((file.producer, item.id))
                edges -= {(file.producer, step) for step in readers}
    return Diagram(tuple(items), tuple(sorted(edges)))


def _read(file: sessions_pb2.DagFile, parents: set[str]) -> bool:
    return not file.producer or file.producer in parents


def _step_item(step: sessions_pb2.DagStep, executions: Sequence[jobs_pb2.Job] | None) -> Item:
    job = step.job
    failed = job.status != types_pb2.JOB_STATUS_OK
    ending = "interrupted" if job.status == types_pb2.JOB_STATUS_INTERRUPTED else "failed"
    counts = f"in {job.input_count:,} · out {job.output_count:,}"
    if step.executions > 1:
        counts += f" · ran {step.executions:,} times"
    marks = [word for word, holds in ((ending, failed), ("stale", step.stale)) if holds]
    title = f"{step.step} {visible(step.name)}"
    lines = [title, counts, *([", ".join(marks)] if marks else [])]
    if executions is not None:
        lines += [
            f"{job.uid}{'' if job.uid == step.job.uid else ' superseded'}"
            for job in executions
            if job.step == step.step
        ]
    command = " ".join(decoded(word) for word in job.argv)
    about = "\n".join([title, command, counts, *map(visible, step.stale_reasons)])
    kind = "failed" if failed else "stale" if step.stale else "step"
    return Item(step.step, kind, tuple(map(cut, lines)), about)


def _file_item(file: sessions_pb2.DagFile) -> Item:
    kinds = {sessions_pb2.FILE_STATE_CHANGED: "changed", sessions_pb2.FILE_STATE_MISSING: "missing"}
    kind = kinds.get(file.state, "file")
    name = decoded(file.path)
    lines = [cut(name, keep_end=True), size(file.size) + (f" · {kind}" if kind != "file" else "")]
    return Item(f"file {name}", kind, tuple(lines), f"{name}\n{file.hash.hex()}", is_file=True)


def cut(text: str, *, keep_end: bool = False) -> str:
    """Returns a text of at most LONGEST columns, with an ellipsis where something was cut off."""
    if width_of(text) <= LONGEST:
        return text
    kept = text
    while width_of(kept) > LONGEST - 1:
        kept = kept[1:] if keep_end else kept[:-1]
    return f"…{kept}" if keep_end else f"{kept}…"


def dot_text(drawn: Diagram) -> str:
    """Returns the diagram in the language of graphviz."""
    lines = [
        "digraph roar {",
        '  graph [rankdir=TB, bgcolor="transparent"];',
        f'  node [shape=box, style="rounded,filled", fontname="Helvetica", fontcolor="{TEXT}"];',
        f'  edge [color="{EDGE}"];',
    ]
    names = _names(drawn)
    for item in drawn.items:
        look = LOOKS[item.kind]
        shape = ', shape=note, style="filled"' if item.is_file else ""
        facts = f"label={_quoted(item.lines)}, tooltip={_quoted(item.about.splitlines())}"
        lines.append(f'  {names[item.id]} [{facts}, fillcolor="{look.fill}", color="{look.line}"{shape}];')
    lines += [f"  {names[start]} -> {names[end]};" for start, end in drawn.edges]
    return "\n".join([*lines, "}"]) + "\n"


def _names(drawn: Diagram) -> dict[str, str]:
    """Returns a name for every box that needs no quotes in any language."""
    return {item.id: f"n{number}" for number, item in enumerate(drawn.items)}


def _quoted(lines: Sequence[str]) -> str:
    # In labels a backslash begins an escape and an ampersand an entity, and no other character is special.
    escaped = (line.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'


def mermaid_text(drawn: Diagram) -> str:
    """Returns the diagram in the language of mermaid, as GitHub and GitLab show it in Markdown."""
    names = _names(drawn)
    lines = ["flowchart TD"]
    for item in drawn.items:
        opening, closing = ("[/", "/]") if item.is_file else ("(", ")")
        label = "<br/>".join(map(_entities, item.lines))
        lines.append(f'  {names[item.id]}{opening}"{label}"{closing}:::{item.kind}')
    lines += [f"  {names[start]} --> {names[end]}" for start, end in drawn.edges]
    for kind in dict.fromkeys(item.kind for item in drawn.items):
        look = LOOKS[kind]
        lines.append(f"  classDef {kind} fill:{look.fill},stroke:{look.line},color:{TEXT}")
    return "\n".join(lines) + "\n"


def _entities(text: str) -> str:
    """Returns text as mermaid reads it back: nothing in it is markup, an entity or the end of the label."""
    return re.sub(r"[^\w .,:/·…@=+-]", lambda match: f"#{ord(match.group())};", text)
