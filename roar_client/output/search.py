"""What a search found: for people, and for `--json`."""

from __future__ import annotations

from collections.abc import Sequence

from roar_proto.v1 import jobs_pb2, lineage_pb2

from roar_client.output.documents import Document, Value, in_text, job_summary
from roar_client.output.human import plural, short, size
from roar_client.output.jobs import log_lines
from roar_client.output.text import BLANK, Line, Span, columns, decoded, line, wants_unicode


def search_lines(response: lineage_pb2.SearchResponse) -> list[Line]:
    """Returns the jobs, then the files, the newest first."""
    lines: list[Line] = []
    if response.jobs:
        lines += [_head("jobs", len(response.jobs), response.job_total)]
        lines += log_lines(jobs_pb2.ListJobsResponse(jobs=response.jobs))
    if response.files:
        lines += [BLANK] if lines else []
        lines += [_head("files", len(response.files), response.file_total)]
        lines += columns([_row(file) for file in response.files])
    return lines


def _head(title: str, listed: int, total: int) -> Line:
    count = f" ({total:,})" if listed == total else f" ({listed:,} of {total:,})"
    more = "" if listed == total else "  -n lists more"
    return line(Span(title + count, "head"), Span(more, "dim"))


def _row(file: lineage_pb2.FoundFile) -> Sequence[Span]:
    written, read = ("→", "←") if wants_unicode() else ("->", "<-")
    return (
        Span(short(file.hash), "id" if file.hash else "dim"),
        Span(size(file.size).rjust(len("1023.9 KiB")), "dim"),
        Span(written if file.written else read, "dim"),
        Span(file.job, "id"),
        Span(file.step, "step"),
        Span(plural(file.uses, "use"), "dim"),
        Span(decoded(file.path), "path"),
    )


def search_document(response: lineage_pb2.SearchResponse) -> Document:
    """Returns jobs and files, newest first, and how many match."""
    return {
        "job_total": response.job_total,
        "jobs": list[Value](job_summary(job) for job in response.jobs),
        "file_total": response.file_total,
        "files": list[Value](_file(file) for file in response.files),
    }


def _file(file: lineage_pb2.FoundFile) -> Document:
    return {
        **in_text("path", file.path),
        "hash": file.hash.hex() or None,
        "size": file.size,
        "job": file.job,
        "step": file.step,
        "written": file.written,
        "uses": file.uses,
    }
