"""What `roar gc` says, as text and as JSON."""

from __future__ import annotations

from roar_proto.v1 import cache_pb2 as pb

from roar_client.output.documents import Document
from roar_client.output.human import plural, size
from roar_client.output.text import Line, line


def trim_lines(response: pb.TrimCacheResponse, *, dry_run: bool) -> list[Line]:
    """Returns what was removed, or would be, and what stays."""
    word = "would be removed" if dry_run else "removed"
    lines = [
        line(f"{_objects(objects)} {why} {word}")
        for objects, why in (
            (response.unused, "that no job can be restored from"),
            (response.excess, f"beyond the limit of {size(response.max_size)}"),
        )
        if objects.number
    ]
    return [*(lines or [line("nothing to remove")]), line(f"{_objects(response.kept)} kept")]


def _objects(objects: pb.KeptObjects) -> str:
    return f"{plural(objects.number, 'output')} ({size(objects.bytes)})"


def trim_document(response: pb.TrimCacheResponse, *, dry_run: bool) -> Document:
    """Returns what was removed, or would be, and what stays."""
    return {
        "dry_run": dry_run,
        "unused": _document(response.unused),
        "excess": _document(response.excess),
        "kept": _document(response.kept),
        "max_size": response.max_size,
    }


def _document(objects: pb.KeptObjects) -> Document:
    return {"number": objects.number, "size": objects.bytes}
