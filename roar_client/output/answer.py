"""What a reference named, as text or as JSON."""

from __future__ import annotations

from roar_proto.v1 import lineage_pb2

from roar_client.output.documents import artifact_document, job_document, print_document, session_document
from roar_client.output.jobs import artifact_lines, job_lines, session_lines
from roar_client.output.text import show


def show_answer(answer: lineage_pb2.ResolveResponse, *, json: bool, dropped: bool, processes: bool) -> None:
    """Prints a job, a session or an artifact."""
    target = answer.WhichOneof("target")
    if target == "job" and json:
        print_document("job", job_document(answer.job, dropped=dropped))
    elif target == "job":
        show(job_lines(answer.job, dropped=dropped, processes=processes), paged=True)
    elif target == "session" and json:
        print_document("session", session_document(answer.session))
    elif target == "session":
        show(session_lines(answer.session), crop=True, paged=True)
    elif json:
        print_document("artifact", artifact_document(answer.artifact))
    else:
        show(artifact_lines(answer.artifact), paged=True)
