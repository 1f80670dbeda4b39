"""What `roar pop` says, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from roar_proto.v1 import jobs_pb2 as pb

from roar_client.output.documents import Document, in_text, job_summary, print_document, timestamp
from roar_client.output.human import ago, command_line, plural, size
from roar_client.output.jobs import status_span
from roar_client.output.text import BLANK, Line, Span, ask, columns, decoded, line, note, say, show, visible

_KEPT = {
    "gone": "is not there any more",
    "changed": "has changed since",
    "unhashed": "what the job wrote is not known, it has no hash",
    "tracked": "git tracks it",
    "git-unreadable": "git cannot say whether it tracks it",
    "shared": "another job made or used it",
    "existed": "it was there before the job",
    "outside": "it is outside of the project",
    "nested": "it belongs to a repository or project inside this one",
    "other-disk": "it is on another file system than the trash",
    "not-moved": "it cannot be moved",
}
"""Why a file stays. A word of a newer daemon is shown as it is."""


def answered(kind: str, document: Document, lines: Iterable[Line], *, json: bool) -> None:
    """Prints an answer in the form asked for."""
    if json:
        print_document(kind, document)
    else:
        show(lines)


def confirm_pop() -> bool:
    """Asks whether to remove the job that was shown."""
    return ask("remove this job?")


def pop_lines(response: pb.PopJobResponse, *, done: bool) -> list[Line]:
    """Returns a job, and what becomes of each of its outputs."""
    going = [file for file in response.files if not file.kept]
    kept = [file for file in response.files if file.kept]
    lines = [_job_line(response.job)]
    if going:
        total = size(sum(file.size for file in going))
        title = "in the trash" if done else "into the trash"
        lines += [BLANK, line(Span(f"{title} ({len(going):,}, {total})", "head"))]
        lines += [line("  ", Span(decoded(file.path), "path")) for file in going]
    if kept:
        lines += [BLANK, line(Span(f"left where they are ({len(kept):,})", "head"))]
        lines += columns([(Span(decoded(file.path), "path"), Span(_why(file), "dim")) for file in kept], indent="  ")
    return lines


def _job_line(job: pb.Job) -> Line:
    command = (f"  {command_line(job.argv)}",) if job.argv else ()
    status = ("  ", status_span(job)) if job.status else ()
    return line("job ", Span(job.uid, "id"), "  ", Span(job.step, "step"), *status, *command)


def _why(file: pb.PoppedFile) -> str:
    why = _KEPT.get(file.kept, file.kept)
    return f"{why}: {visible(file.detail)}" if file.detail else why


def show_popped(response: pb.PopJobResponse, *, json: bool) -> None:
    """Says that a job is gone, and how it comes back."""
    if json:
        return
    moved = sum(not file.kept for file in response.files)
    say(f"popped job {response.job.uid} of {response.job.step}, {plural(moved, 'file')} in the trash")
    for file in response.files:
        if file.kept == "not-moved":
            note(f"note: {decoded(file.path)} stays: {visible(file.detail)}")
    note("hint: `roar pop --undo` brings it back")


def restored_lines(response: pb.UndoPopResponse, *, done: bool) -> list[Line]:
    """Returns what came back, or would."""
    lost = [file for file in response.files if file.lost]
    back = [file for file in response.files if not file.lost]
    word = "brought back" if done else "would bring back"
    files = f"{plural(len(back), 'file')}, {size(sum(file.size for file in back))}"
    lines = [line(f"{word} job ", Span(response.job.uid, "id"), " of ", Span(response.job.step, "step"), f", {files}")]
    lines += [line("  ", Span(decoded(file.path), "path")) for file in back]
    if lost:
        lines += [BLANK, line(Span(f"lost: somebody removed them from the trash ({len(lost):,})", "bad"))]
        lines += [line("  ", Span(decoded(file.path), "path")) for file in lost]
    return lines


def list_lines(response: pb.ListPoppedResponse) -> list[Line]:
    """Returns the jobs that can be brought back, the next one first."""
    if not response.popped:
        return []
    head = [Span(title, "head") for title in ("JOB", "STEP", "POPPED", "FILES", "SIZE", "COMMAND")]
    return columns([head, *(_listed_row(job) for job in response.popped)])


def _listed_row(job: pb.PoppedJob) -> Sequence[Span]:
    return (
        Span(job.uid, "id"),
        Span(job.step, "step"),
        Span(ago(job.popped_at_ns)),
        Span(f"{job.files:,}"),
        Span(size(job.size)),
        Span(visible(job.command), "command"),
    )


def popped_document(response: pb.PopJobResponse, *, dry_run: bool) -> Document:
    """Returns a job, and what becomes of each of its outputs."""
    return {
        "dry_run": dry_run,
        "job": job_summary(response.job) if response.job.argv else None,
        "id": response.job.uid,
        "step": response.job.step,
        "files": [_file_document(file) for file in response.files],
        "session": response.session_hash,
        **(in_text("trash", response.trash) if response.trash else {"trash": None}),
    }


def _file_document(file: pb.PoppedFile) -> Document:
    return {
        **in_text("path", file.path),
        "size": file.size,
        "moved": not file.kept,
        "kept": file.kept or None,
        "detail": file.detail or None,
    }


def restored_document(response: pb.UndoPopResponse, *, dry_run: bool) -> Document:
    """Returns what came back, or would."""
    return {
        "dry_run": dry_run,
        "id": response.job.uid,
        "step": response.job.step,
        "files": [{**in_text("path", file.path), "size": file.size, "lost": file.lost} for file in response.files],
        "session": response.session_hash or None,
    }


def list_document(response: pb.ListPoppedResponse) -> Document:
    """Returns the jobs that can be brought back, the next one first."""
    return {
        "popped": [
            {
                "id": job.uid,
                "step": job.step,
                "command": job.command,
                "popped_at": timestamp(job.popped_at_ns),
                "files": job.files,
                "size": job.size,
                **in_text("trash", job.trash),
                "session": job.session_hash,
            }
            for job in response.popped
        ]
    }
