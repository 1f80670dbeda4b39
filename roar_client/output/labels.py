"""What `roar label` says, and how labels are shown elsewhere."""

from __future__ import annotations

import json as json_module
from collections.abc import Iterator

from roar_proto.v1 import labels_pb2 as pb

from roar_client.output.documents import Document, Value, print_document, timestamp
from roar_client.output.human import SHORT_HASH, ago, local_time
from roar_client.output.text import BLANK, Line, Span, line, note, say, show, visible

_ENTITIES = {pb.LABEL_ENTITY_DAG: "dag", pb.LABEL_ENTITY_JOB: "job", pb.LABEL_ENTITY_ARTIFACT: "artifact"}


def show_change(labelled: pb.Labelled, current: pb.LabelVersion, *, changed: bool, json: bool) -> None:
    """Prints what the labels are now."""
    if json:
        print_document("label", {**_subject(labelled), "changed": changed, **_version(current)})
        return
    word = f"version {current.version}" if changed else f"unchanged, version {current.version}"
    say(f"{_name(labelled)}: {word}")
    show(_lines(current.document, indent="  "))


def show_current(answer: pb.GetLabelsResponse, *, json: bool) -> None:
    """Prints the labels as they are."""
    current = answer.versions[0] if answer.versions else pb.LabelVersion(document="{}")
    if json:
        print_document("label-show", {**_subject(answer.labelled), **_version(current)})
        return
    lines = _lines(current.document)
    show(lines)
    if not lines:
        note(f"{_name(answer.labelled)} has no labels")


def show_history(answer: pb.GetLabelsResponse, *, json: bool) -> None:
    """Prints every version, the newest first."""
    if json:
        versions: list[Value] = [_version(version) for version in answer.versions]
        print_document("label-history", {**_subject(answer.labelled), "versions": versions})
        return
    lines: list[Line] = []
    for version in answer.versions:
        when = f"{local_time(version.created_at_ns)} ({ago(version.created_at_ns)})"
        lines += [BLANK] if lines else []
        lines += [line(Span(f"version {version.version}", "head"), f"  {when}")]
        lines += _lines(version.document, indent="  ") or [line("  ", Span("none", "dim"))]
    show(lines, paged=True)
    if not answer.versions:
        note(f"{_name(answer.labelled)} never had labels")


def label_block(document: str) -> list[Line]:
    """Returns the labels of something for a page about it; nothing when there are none."""
    lines = _lines(document, indent="  ") if document else []
    return [BLANK, line(Span(f"labels ({len(lines)})", "head")), *lines] if lines else []


def labels_of(document: str) -> Document:
    """Returns the labels of something for a document about it."""
    parsed: Document = json_module.loads(document or "{}")
    return parsed


def _lines(document: str, indent: str = "") -> list[Line]:
    return [line(indent, Span(visible(key), "id"), "=", _shown(value)) for key, value in _flat(labels_of(document))]


def _flat(document: Document, above: str = "") -> Iterator[tuple[str, Value]]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _shown(value: Value) -> str:
    """Returns a value as it would be typed: a text that looks like another type stands in quotes."""
    if not isinstance(value, str):
        return json_module.dumps(value)
    try:
        looks_else = not isinstance(json_module.loads(value), dict | list)
    except ValueError:
        looks_else = False
    return f'"{visible(value)}"' if looks_else else visible(value)


def _name(labelled: pb.Labelled) -> str:
    entity = "session" if labelled.entity == pb.LABEL_ENTITY_DAG else _ENTITIES.get(labelled.entity, "")
    return f"{entity} {labelled.id[:SHORT_HASH]}"


def _subject(labelled: pb.Labelled) -> Document:
    return {"entity": _ENTITIES.get(labelled.entity), "id": labelled.id}


def _version(version: pb.LabelVersion) -> Document:
    return {
        "version": version.version,
        "labels": labels_of(version.document),
        "created_at": timestamp(version.created_at_ns) if version.version else None,
    }
