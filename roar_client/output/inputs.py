"""What something was made from: for people, and for `--json`."""

from __future__ import annotations

from collections.abc import Sequence

from roar_proto.v1 import lineage_pb2

from roar_client.output.documents import Document, Value, in_text
from roar_client.output.human import short, size
from roar_client.output.text import Line, Span, columns, decoded


def inputs_lines(response: lineage_pb2.GetInputsResponse) -> list[Line]:
    """Returns one line a file: hash, size, path, and the job that made it."""
    return columns([_row(file) for file in response.inputs])


def _row(file: lineage_pb2.InputFile) -> Sequence[Span]:
    note = f"  no hash: {file.hash_note}" if file.hash_note else ""
    cells = (
        Span(short(file.hash), "id" if file.hash else "dim"),
        Span(size(file.size).rjust(len("1023.9 KiB")), "dim"),
        Span(decoded(file.path) + note, "path"),
    )
    return (*cells, Span(f"made by {file.producer_step} {file.producer}", "dim")) if file.producer else cells


def nothing_note(response: lineage_pb2.GetInputsResponse) -> str:
    """Returns why no file is listed."""
    if response.HasField("artifact"):
        if not response.jobs:
            return "no recorded job made it: it is an input itself"
        return "the jobs that made it read no data of that kind"
    if not response.jobs:
        return "no job is recorded in this session"
    return "it read no data of that kind"


def inputs_document(response: lineage_pb2.GetInputsResponse) -> Document:
    """Returns what was asked for and its inputs, by path."""
    artifact = response.artifact
    target: Document | None = None
    if response.HasField("artifact"):
        path: Document = in_text("path", artifact.path) if artifact.path else {"path": None}
        target = {"hash": artifact.hash.hex() or None, **path, "size": artifact.size}
    return {
        "job": response.job or None,
        "session": response.session or None,
        "artifact": target,
        "is_root": response.HasField("artifact") and not response.jobs,
        "jobs": response.jobs,
        "inputs": list[Value](_input(file) for file in response.inputs),
    }


def _input(file: lineage_pb2.InputFile) -> Document:
    document: Document = {**in_text("path", file.path), "hash": file.hash.hex() or None, "size": file.size}
    if file.hash_note:
        document["hash_note"] = file.hash_note
    return {
        **document,
        "producer": file.producer or None,
        "producer_step": file.producer_step or None,
        "consumers": list(file.consumers),
    }
