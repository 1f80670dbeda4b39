"""What `--json` prints: one object, described by docs/schema/*.json, with `"schema": "roar/1"`.

Bytes that are not UTF-8 appear with U+FFFD in place of what is not, and exactly, as base64, in a companion field whose
name ends in `_b64` and which is there only then. What is not known is null.
"""

from __future__ import annotations

import base64
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import TypeAlias

from roar_proto.v1 import daemon_pb2, jobs_pb2, lineage_pb2, sessions_pb2, tracers_pb2, types_pb2

from roar_client.output.completeness import seen_by

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"
Document: TypeAlias = dict[str, Value]

SCHEMA = "roar/1"
KINDS = {types_pb2.JOB_KIND_RUN: "run", types_pb2.JOB_KIND_BUILD: "build"}
STATUSES = {
    types_pb2.JOB_STATUS_OK: "ok",
    types_pb2.JOB_STATUS_FAILED: "failed",
    types_pb2.JOB_STATUS_INTERRUPTED: "interrupted",
}
PHASES = {
    daemon_pb2.RUN_PHASE_RUNNING: "running",
    daemon_pb2.RUN_PHASE_RECORDING: "recording",
}
STATES = {
    sessions_pb2.FILE_STATE_PRESENT: "present",
    sessions_pb2.FILE_STATE_CHANGED: "changed",
    sessions_pb2.FILE_STATE_MISSING: "missing",
    sessions_pb2.FILE_STATE_UNKNOWN: "unknown",
}


def print_document(kind: str, content: Document) -> None:
    """Prints one object on stdout."""
    sys.stdout.write(document_text(kind, content))


def document_text(kind: str, content: Document) -> str:
    """Returns one object as it is printed."""
    return json.dumps({"schema": SCHEMA, "type": kind, **content}, ensure_ascii=False, indent=2) + "\n"


def print_document_line(kind: str, content: Document) -> None:
    """Prints one object on stdout as one line, at once: one of many."""
    print(json.dumps({"schema": SCHEMA, "type": kind, **content}, ensure_ascii=False), flush=True)  # noqa: T201


def job_document(job: jobs_pb2.Job, *, dropped: bool = False) -> Document:
    """Returns everything about a job; dropped: with every file that was left out, not only their number by rule."""
    rules = Counter(file.rule for file in job.dropped)
    document: Document = {
        **job_summary(job),
        "run_id": job.run_id,
        "host": job.hostname,
        "user": job.user,
        "roar_version": job.roar_version,
        "session": job.session_hash,
        "git": git_document(job.git) if job.HasField("git") else None,
        "machine": machine_document(job.machine) if job.HasField("machine") else None,
        "inputs": [_input(file) for file in job.inputs],
        "outputs": [_output(file) for file in job.outputs],
        "code": [_file(file) for file in job.code],
        "processes": [_process(process) for process in job.processes],
        "seen_by": dict[str, Value](seen_by(job)),
        "dropped": {rule: rules[rule] for rule in sorted(rules)},
    }
    if dropped:
        document["dropped_files"] = [_dropped(file) for file in job.dropped]
    return document


def job_summary(job: jobs_pb2.Job) -> Document:
    """Returns a job without its files."""
    return {
        "id": job.uid,
        "step": job.step,
        "name": job.step_name,
        "kind": KINDS.get(job.kind),
        **in_words("command", job.argv),
        **in_text("cwd", job.cwd or b"."),
        "status": STATUSES.get(job.status),
        "exit_code": job.exit_code if job.HasField("exit_code") else None,
        "exit_signal": job.exit_signal if job.HasField("exit_signal") else None,
        "started_at": timestamp(job.started_at_ns),
        "duration_s": job.duration_ns / 1e9,
        "tracer": job.tracer,
        "complete": job.complete,
        "cached_from": job.cached_from or None,
        "events_lost": job.events_lost,
        "input_count": job.input_count,
        "output_count": job.output_count,
        "output_bytes": job.output_bytes,
        "code_count": job.code_count,
        "dropped_count": job.dropped_count,
        "warnings": [f"{warning.code}: {warning.message}" for warning in job.warnings],
    }


def session_summary(session: sessions_pb2.Session) -> Document:
    """Returns a session without its jobs."""
    return {
        "hash": session.hash,
        "number": session.number,
        "active": session.active,
        "created_at": timestamp(session.created_at_ns),
        "run_steps": session.run_steps,
        "build_steps": session.build_steps,
        "jobs": session.jobs,
    }


def session_document(view: lineage_pb2.SessionView) -> Document:
    """Returns a session with its jobs, oldest first; `jobs` is the list, `job_count` their number."""
    summary = session_summary(view.session)
    summary["job_count"] = summary.pop("jobs")
    return {**summary, "jobs": [job_summary(job) for job in view.jobs]}


def artifact_document(artifact: lineage_pb2.Artifact) -> Document:
    """Returns an artifact with every place where it was seen."""
    return {
        "hash": _hash(artifact.hash),
        "size": artifact.size,
        "digests": _digests(artifact.digests),
        "first_seen_at": timestamp(artifact.first_seen_ns),
        **(in_text("path", artifact.path) if artifact.path else {"path": None}),
        "state": STATES.get(artifact.state),
        "uses": [_use(use) for use in artifact.uses],
    }


def log_document(response: jobs_pb2.ListJobsResponse) -> Document:
    """Returns jobs, newest first, and how many match."""
    return {"total": response.total, "jobs": [job_summary(job) for job in response.jobs]}


def status_document(response: sessions_pb2.GetProjectStatusResponse) -> Document:
    """Returns how the project stands."""
    return {
        "session": session_summary(response.session),
        "stale": any(step.stale for step in response.steps),
        "steps": [step_document(step) for step in response.steps],
        "files": [_tracked(file) for file in response.files],
        "running": [run_document(run) for run in response.running],
    }


def dag_document(
    response: sessions_pb2.GetDagResponse, executions: Sequence[jobs_pb2.Job] | None, *, stale_only: bool
) -> Document:
    """Returns the graph; executions: all jobs of the session, oldest first, to be listed with their steps."""
    steps = [step_document(step) for step in response.steps if step.stale or not stale_only]
    for document in steps if executions is not None else ():
        document["jobs"] = [job_summary(job) for job in executions or () if job.step == document["step"]]
    return {
        "session": session_summary(response.session),
        "stale_count": sum(step.stale for step in response.steps),
        "steps": list[Value](steps),
        "files": [_dag_file(file) for file in response.files],
    }


def step_document(step: sessions_pb2.DagStep) -> Document:
    """Returns a step with its latest job."""
    return {
        "step": step.step,
        "name": step.name,
        "parents": list(step.parents),
        "stale": step.stale,
        "stale_reasons": list(step.stale_reasons),
        "executions": step.executions,
        "superseded": max(step.executions - 1, 0),
        "job": job_summary(step.job),
    }


def lineage_document(response: lineage_pb2.GetLineageResponse) -> Document:
    """Returns what a file or job was made from, nearest job first."""
    artifact: Document = {
        "hash": _hash(response.hash),
        **(in_text("path", response.path) if response.path else {"path": None}),
        "size": response.size,
    }
    return {
        "artifact": artifact if response.hash or response.path else None,
        "truncated": response.truncated,
        "jobs": [_lineage_job(job) for job in response.jobs],
        "edges": [_edge(edge) for edge in response.edges],
    }


def daemon_document(status: daemon_pb2.GetDaemonStatusResponse | None) -> Document:
    """Returns how the daemon is; None: there is none."""
    if status is None:
        return {"running": False}
    return {
        "running": True,
        "pid": status.daemon.pid,
        "version": status.daemon.version,
        "protocol": {"min": status.daemon.protocol_min, "max": status.daemon.protocol_max},
        "started_at": timestamp(status.started_at_ns),
        "rss_bytes": status.rss_bytes,
        **in_text("socket", status.socket_path),
        **in_text("log", status.log_path),
        **in_words("projects", status.projects),
        "runs": [run_document(run) for run in status.runs],
    }


def tracers_document(response: tracers_pb2.GetTracersResponse) -> Document:
    """Returns which backend is used, and the state of each."""
    return {
        "default": response.default_tracer,
        "fallback": response.fallback,
        "chosen": response.chosen or None,
        **tracer_check_document(response.tracers),
    }


def tracer_check_document(tracers: Iterable[tracers_pb2.Tracer]) -> Document:
    """Returns the outcome of the last probe of backends."""
    return {"tracers": [_tracer(tracer) for tracer in tracers]}


def run_document(run: daemon_pb2.RunInFlight) -> Document:
    """Returns a run that is not recorded yet."""
    return {
        "run_id": run.run_id,
        **in_text("project", run.project_root),
        **in_words("command", run.argv),
        "started_at": timestamp(run.started_at_ns),
        "launcher_pid": run.launcher_pid,
        "ingesting": run.ingesting,
        "phase": PHASES.get(run.phase),
        "elapsed_s": run.elapsed_ns / 1e9,
        "files_seen": run.files_seen,
        "files_hashed": run.files_hashed,
        "bytes_hashed": run.bytes_hashed,
    }


def timestamp(at_ns: int) -> str:
    """Returns a time by RFC 3339, in UTC, to the microsecond."""
    moment = datetime.fromtimestamp(0, tz=timezone.utc) + timedelta(microseconds=at_ns // 1000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _tracer(tracer: tracers_pb2.Tracer) -> Document:
    return {
        "name": tracer.name,
        "usable": tracer.usable,
        "reason": tracer.reason or None,
        "hint": tracer.hint or None,
        "blind_to": list(tracer.blind_to),
        "picked_by_auto": tracer.picked_by_auto,
        "probed_at": timestamp(tracer.probed_at_ns),
        "probe_s": tracer.probe_ns / 1e9,
    }


def _lineage_job(job: jobs_pb2.Job) -> Document:
    files: Document = {
        "inputs": [_input(file) for file in job.inputs],
        "outputs": [_output(file) for file in job.outputs],
    }
    return {**job_summary(job), "session": job.session_hash, **files}


def _edge(edge: lineage_pb2.LineageEdge) -> Document:
    return {
        "producer": edge.producer,
        "consumer": edge.consumer,
        **in_text("path", edge.path),
        "hash": _hash(edge.hash),
    }


def machine_document(machine: types_pb2.Machine) -> Document:
    """Returns everything about a machine."""
    return {
        "system": machine.system,
        "distribution": machine.distribution or None,
        "processor": machine.processor or None,
        "cores": machine.cores,
        "memory_bytes": machine.memory_bytes,
        "container": machine.container or None,
        "gpus": [
            {
                "name": gpu.name,
                "memory_bytes": gpu.memory_bytes or None,
                "driver": gpu.driver or None,
                "toolkit": gpu.toolkit or None,
            }
            for gpu in machine.gpus
        ],
    }


def git_document(git: types_pb2.GitState) -> Document:
    """Returns the git state of a job."""
    return {
        "commit": git.commit or None,
        "branch": git.branch or None,
        "remote": git.remote or None,
        "dirty": git.dirty if git.HasField("dirty") else None,
        **in_words("changed_paths", git.changed_paths),
        "read_late": git.read_late,
    }


def _file(file: jobs_pb2.JobFile) -> Document:
    document: Document = {**in_text("path", file.path), "hash": _hash(file.hash), "size": file.size}
    if file.hash_note:
        document["hash_note"] = file.hash_note
    if file.digests:
        document["digests"] = _digests(file.digests)
    return document


def _digests(digests: Iterable[types_pb2.Digest]) -> Document:
    return {digest.algorithm: digest.digest.hex() for digest in digests}


def _input(file: jobs_pb2.JobFile) -> Document:
    return {**_file(file), "executed": file.executed}


def _output(file: jobs_pb2.JobFile) -> Document:
    return {**_file(file), "created": file.created}


def _dropped(file: jobs_pb2.DroppedFile) -> Document:
    document: Document = {**in_text("path", file.path), "rule": file.rule, "written": file.written}
    return {**document, **in_text("decided_by", file.decided_by)} if file.decided_by else document


def _process(process: types_pb2.Process) -> Document:
    return {
        "pid": process.pid,
        "parent_pid": process.parent_pid,
        **in_text("exe", process.exe),
        **in_words("command", process.argv),
        "started_s": process.started_ns / 1e9,
        "ended_s": process.ended_ns / 1e9 if process.HasField("ended_ns") else None,
        "exit_code": process.exit_code if process.HasField("exit_code") else None,
        "exit_signal": process.exit_signal if process.HasField("exit_signal") else None,
        "tracer": process.tracer or None,
    }


def _use(use: lineage_pb2.ArtifactPath) -> Document:
    return {
        **in_text("path", use.path),
        "job": use.job_uid,
        "step": use.step,
        "written": use.written,
        "at": timestamp(use.at_ns),
    }


def _tracked(file: sessions_pb2.TrackedFile) -> Document:
    return {
        **in_text("path", file.path),
        "hash": _hash(file.hash),
        "size": file.size,
        "state": STATES.get(file.state),
        "step": file.step or None,
    }


def _dag_file(file: sessions_pb2.DagFile) -> Document:
    return {
        **in_text("path", file.path),
        "hash": _hash(file.hash),
        "size": file.size,
        "producer": file.producer or None,
        "consumers": list(file.consumers),
        "state": STATES.get(file.state),
    }


def _hash(digest: bytes) -> str | None:
    return digest.hex() or None


def in_text(key: str, data: bytes) -> Document:
    """Returns bytes as text under a key, with a companion when they are not UTF-8."""
    try:
        return {key: data.decode()}
    except UnicodeDecodeError:
        return {key: data.decode("utf-8", "replace"), f"{key}_b64": base64.b64encode(data).decode()}


def in_words(key: str, words: Iterable[bytes]) -> Document:
    """Returns several words under a key; when one of them is not UTF-8, the companion has all of them."""
    words = list(words)
    document: Document = {key: [word.decode("utf-8", "replace") for word in words]}
    try:
        for word in words:
            word.decode()
    except UnicodeDecodeError:
        document[f"{key}_b64"] = [base64.b64encode(word).decode() for word in words]
    return document
