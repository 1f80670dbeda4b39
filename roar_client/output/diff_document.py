"""What two things differ in, for `--json`."""

from __future__ import annotations

from collections.abc import Iterable

from roar_proto.v1 import diff_pb2, jobs_pb2

from roar_client.output.documents import (
    Document,
    Value,
    git_document,
    in_text,
    job_summary,
    session_summary,
)

CHANGES = {
    diff_pb2.CHANGE_KIND_CHANGED: "changed",
    diff_pb2.CHANGE_KIND_ADDED: "added",
    diff_pb2.CHANGE_KIND_REMOVED: "removed",
    diff_pb2.CHANGE_KIND_MOVED: "moved",
    diff_pb2.CHANGE_KIND_UNKNOWN: "unknown",
}


def diff_document(response: diff_pb2.DiffResponse) -> Document:
    """Returns the whole comparison."""
    return {
        "a": _side(response.a),
        "b": _side(response.b),
        "identical": response.identical,
        "file": _file(response.file) if response.HasField("file") else None,
        "jobs": [_job_diff(job) for job in response.jobs],
        "same_jobs": response.same_jobs,
        "commits": [_commits(commits) for commits in response.commits],
        "patches": [_patch(patch) for patch in response.patches],
        "notes": list(response.notes),
    }


def _side(side: diff_pb2.DiffSide) -> Document:
    if side.HasField("job"):
        return {"kind": "job", "job": _job(side.job)}
    if side.HasField("session"):
        return {"kind": "session", "session": session_summary(side.session)}
    file = side.artifact
    path: Document = in_text("path", file.path) if file.path else {"path": None}
    return {"kind": "artifact", "artifact": {"hash": file.hash.hex() or None, **path, "size": file.size}}


def _job(job: jobs_pb2.Job) -> Document:
    git: Value = git_document(job.git) if job.HasField("git") else None
    return {**job_summary(job), "session": job.session_hash, "host": job.hostname, "git": git}


def _job_diff(job: diff_pb2.JobDiff) -> Document:
    return {
        "a": _job(job.a) if job.HasField("a") else None,
        "b": _job(job.b) if job.HasField("b") else None,
        "parameters": _values(job.parameters),
        "code": _files(job.code),
        "inputs": _files(job.inputs),
        "outputs": _files(job.outputs),
        "packages": _values(job.packages),
        "environment": _values(job.environment),
        "same_code": job.same_code,
        "same_inputs": job.same_inputs,
        "same_outputs": job.same_outputs,
    }


def _values(changes: Iterable[diff_pb2.ValueChange]) -> list[Value]:
    return [
        {
            "name": change.name,
            **(in_text("a", change.a) if change.HasField("a") else {"a": None}),
            **(in_text("b", change.b) if change.HasField("b") else {"b": None}),
        }
        for change in changes
    ]


def _files(changes: Iterable[diff_pb2.FileChange]) -> list[Value]:
    return [_file(change) for change in changes]


def _file(change: diff_pb2.FileChange) -> Document:
    document: Document = {
        "change": CHANGES[change.kind],
        **in_text("path", change.path),
        **(in_text("path_in_b", change.path_b) if change.path_b else {}),
        "hash_a": change.hash_a.hex() or None,
        "hash_b": change.hash_b.hex() or None,
        "size_a": None if change.kind == diff_pb2.CHANGE_KIND_ADDED else change.size_a,
        "size_b": None if change.kind == diff_pb2.CHANGE_KIND_REMOVED else change.size_b,
        "producer_a": change.producer_a or None,
        "producer_b": change.producer_b or None,
        "dirty_a": change.dirty_a,
        "dirty_b": change.dirty_b,
        "values": _values(change.values),
        "values_changed": change.values_changed,
    }
    if change.values_note:
        document["values_note"] = change.values_note
    return document


def _commits(commits: diff_pb2.CommitRange) -> Document:
    return {
        "a": commits.commit_a,
        "b": commits.commit_b,
        "only_a": [{"id": commit.id, "summary": commit.summary} for commit in commits.only_a],
        "only_b": [{"id": commit.id, "summary": commit.summary} for commit in commits.only_b],
        "only_a_count": commits.only_a_count,
        "only_b_count": commits.only_b_count,
        "problem": commits.problem or None,
    }


def _patch(patch: diff_pb2.Patch) -> Document:
    return {
        **in_text("path", patch.path),
        "hash_a": patch.hash_a.hex() or None,
        "hash_b": patch.hash_b.hex() or None,
        **(in_text("text", patch.text) if patch.text else {"text": None}),
        "note": patch.note or None,
    }
