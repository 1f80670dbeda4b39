"""What a reference named, as text or as JSON."""

from __future__ import annotations

from roar_proto.v1 import lineage_pb2

from roar_client.output.documents import (
    Document,
    artifact_document,
    job_document,
    print_document,
    session_document,
)
from roar_client.output.jobs import artifact_lines, job_lines, session_lines
from roar_client.output.labels import label_block, labels_of
from roar_client.output.text import show


def show_answer(answer: lineage_pb2.ResolveResponse, *, json: bool, dropped: bool, processes: bool) -> None:
    """Prints a job, a session or an artifact."""
    target = answer.WhichOneof("target") or "artifact"
    if json:
        document = _document(answer, target, dropped=dropped)
        print_document(target, {**document, "labels": labels_of(answer.labels)})
        return
    if target == "job":
        lines = job_lines(answer.job, dropped=dropped, processes=processes)
    elif target == "session":
        lines = session_lines(answer.session)
    else:
        lines = artifact_lines(answer.artifact)
    show([*lines, *label_block(answer.labels)], crop=target == "session", paged=True)


def _document(answer: lineage_pb2.ResolveResponse, target: str, *, dropped: bool) -> Document:
    if target == "job":
        return job_document(answer.job, dropped=dropped)
    return session_document(answer.session) if target == "session" else artifact_document(answer.artifact)
