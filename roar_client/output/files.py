"""Files as names, for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from roar_proto.v1 import files_pb2

from roar_client.output.documents import Document, Value, in_text, timestamp
from roar_client.output.human import ago, short, size
from roar_client.output.text import Line, Span, columns, decoded

TITLES = ("SIZE", "READS", "WRITES", "CONTENT", "STEP", "LAST USED", "PATH")


def files_document(response: files_pb2.ListFilesResponse) -> Document:
    """Returns files in the order asked for."""
    files = [_file(file) for file in response.files]
    return {"total": response.total, "total_bytes": response.total_bytes, "files": files}


def _file(file: files_pb2.FileStats) -> Value:
    return {
        **in_text("path", file.path),
        "size": file.size,
        "hash": file.hash.hex() or None,
        "reads": file.reads,
        "writes": file.writes,
        "job": file.job_uid,
        "step": file.step,
        "used_at": timestamp(file.used_at_ns),
    }


def file_table(files: Sequence[files_pb2.FileStats]) -> list[Line]:
    """Returns one line a file."""
    if not files:
        return []
    return columns([[Span(title, "head") for title in TITLES], *map(file_row, files)])


def file_row(file: files_pb2.FileStats) -> list[Span]:
    """Returns the cells of a file, by TITLES."""
    return [
        Span(size(file.size)),
        Span(f"{file.reads:,}"),
        Span(f"{file.writes:,}"),
        Span(short(file.hash), "id"),
        Span(file.step, "step"),
        Span(ago(file.used_at_ns), "dim"),
        Span(decoded(file.path), "path"),
    ]
