"""Jobs, sessions and artifacts for people."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterable, Sequence

from roar_proto.v1 import jobs_pb2, lineage_pb2, sessions_pb2, types_pb2

from roar_client.output.completeness import completeness_facts
from roar_client.output.human import SHORT_HASH, ago, command_line, duration, local_time, plural, short, size
from roar_client.output.machine import machine_facts
from roar_client.output.text import BLANK, Line, Span, columns, decoded, line, visible

STATE_SPANS = {
    sessions_pb2.FILE_STATE_PRESENT: Span("as recorded", "good"),
    sessions_pb2.FILE_STATE_CHANGED: Span("changed since", "warn"),
    sessions_pb2.FILE_STATE_MISSING: Span("missing", "bad"),
    sessions_pb2.FILE_STATE_UNKNOWN: Span("not known, it was recorded without a hash or cannot be read", "dim"),
}


def log_lines(response: jobs_pb2.ListJobsResponse) -> list[Line]:
    """Returns the jobs as a table, newest first."""
    if not response.jobs:
        return []
    head = [Span(title, "head") for title in ("JOB", "STEP", "STARTED", "TOOK", "STATUS", "COMMAND")]
    return columns([head, *(log_row(job) for job in response.jobs)])


def log_row(job: jobs_pb2.Job) -> Sequence[Span]:
    """Returns the cells of a job: id, step, start, duration, status, command."""
    return (
        Span(job.uid, "id"),
        Span(job.step, "step"),
        Span(ago(job.started_at_ns)),
        Span(duration(job.duration_ns)),
        status_span(job),
        Span(command_line(job.argv), "command"),
    )


def status_span(job: jobs_pb2.Job) -> Span:
    """Returns how a job ended, in a word or two."""
    if job.status == types_pb2.JOB_STATUS_OK:
        return Span("ok, cached" if job.cached_from else "ok", "good")
    word = "interrupted" if job.status == types_pb2.JOB_STATUS_INTERRUPTED else "failed"
    style = "warn" if job.status == types_pb2.JOB_STATUS_INTERRUPTED else "bad"
    if job.HasField("exit_signal"):
        return Span(f"{word} ({_signal_name(job.exit_signal)})", style)
    if job.HasField("exit_code") and job.exit_code:
        return Span(f"{word} ({job.exit_code})", style)
    return Span(word, style)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def job_lines(job: jobs_pb2.Job, *, dropped: bool, processes: bool) -> list[Line]:
    """Returns everything about a job; what was left out and the processes in full only when asked for."""
    title = line(
        "job ", Span(job.uid, "id"), "  ", Span(job.step, "step"), f" {visible(job.step_name)}  ", status_span(job)
    )
    lines = [title, *_facts(_job_facts(job))]
    lines += _files("inputs", job.inputs)
    lines += _files("outputs", job.outputs)
    lines += _files("code", job.code)
    lines += _dropped(job, in_full=dropped)
    lines += _processes(job, in_full=processes)
    if job.warnings:
        lines += [BLANK, line(Span(f"warnings ({len(job.warnings)})", "head"))]
        lines += [line("  ", Span(warning.code, "warn"), f"  {visible(warning.message)}") for warning in job.warnings]
    return lines


def _job_facts(job: jobs_pb2.Job) -> list[tuple[str, str]]:
    facts = [
        ("command", command_line(job.argv)),
        ("directory", decoded(job.cwd or b".")),
        ("started", f"{local_time(job.started_at_ns)} ({ago(job.started_at_ns)}), took {duration(job.duration_ns)}"),
    ]
    if job.cached_from:
        facts += [("cached", visible(f"not run: its outputs are those of job {job.cached_from}"))]
    if job.HasField("git"):
        facts += _git_facts(job.git)
    if job.HasField("machine"):
        facts += machine_facts(job.machine)
    facts += [("recorded", visible(f"{job.user}@{job.hostname}, roar {job.roar_version}"))]
    return [*facts, *completeness_facts(job), ("session", job.session_hash[:SHORT_HASH])]


def _git_facts(git: types_pb2.GitState) -> list[tuple[str, str]]:
    where = f"{git.commit[:SHORT_HASH] or 'no commit yet'} on {visible(git.branch) or 'a detached head'}"
    if not git.HasField("dirty"):
        where += ", unknown whether it was dirty"
    elif git.dirty:
        where += f", dirty: {plural(len(git.changed_paths), 'changed file')}"
    if git.read_late:
        where += ", read after the job had started"
    return [("git", where), *([("remote", visible(git.remote))] if git.remote else [])]


def _facts(facts: Iterable[tuple[str, str]]) -> list[Line]:
    return columns([(Span(name, "dim"), Span(text)) for name, text in facts], indent="  ")


def _files(title: str, files: Sequence[jobs_pb2.JobFile]) -> list[Line]:
    if not files:
        return [BLANK, line(Span(title, "head"), "  none")] if title != "code" else []
    lines = [BLANK, line(Span(f"{title} ({len(files)})", "head"))]
    for file, row in zip(files, columns([_file_row(file) for file in files], indent="  "), strict=True):
        lines += [row, *columns(_digest_rows(file.digests), indent="    ")]
    return lines


def _file_row(file: jobs_pb2.JobFile) -> Sequence[Span]:
    digest = Span(short(file.hash), "id" if file.hash else "dim")
    row = (digest, Span(size(file.size).rjust(len("1023.9 KiB")), "dim"))
    note = f"  no hash: {file.hash_note}" if file.hash_note else ""
    return (*row, Span(decoded(file.path) + note, "path"))


def _digest_rows(digests: Iterable[types_pb2.Digest]) -> list[Sequence[Span]]:
    return [(Span(digest.algorithm, "dim"), Span(digest.digest.hex(), "id")) for digest in digests]


def _dropped(job: jobs_pb2.Job, *, in_full: bool) -> list[Line]:
    if not job.dropped:
        return []
    rules = Counter(file.rule for file in job.dropped)
    counts = ", ".join(f"{rule} {number:,}" for rule, number in sorted(rules.items()))
    hint = "" if in_full else "; `--dropped` lists them"
    lines = [BLANK, line(Span(f"left out ({len(job.dropped):,})", "head"), f"  {counts}{hint}")]
    if in_full:
        rows = [
            (
                Span(file.rule, "dim"),
                Span("written" if file.written else "read", "dim"),
                Span(decoded(file.path), "path"),
                Span(f"by {decoded(file.decided_by)}" if file.decided_by else "", "dim"),
            )
            for file in job.dropped
        ]
        lines += columns(rows, indent="  ")
    return lines


def _processes(job: jobs_pb2.Job, *, in_full: bool) -> list[Line]:
    if not in_full:
        shown = "; `--processes` lists them" if len(job.processes) > 1 else ""
        return [BLANK, line(Span(f"processes ({len(job.processes):,})", "head"), shown)] if shown else []
    depths = {0: -1}
    rows = []
    for process in job.processes:
        depths[process.pid] = depth = depths.get(process.parent_pid, 0) + 1
        command = command_line(process.argv) if process.argv else "(fork)"
        rows.append((Span(str(process.pid), "dim"), Span(_process_end(process)), Span("  " * depth + command)))
    return [BLANK, line(Span(f"processes ({len(job.processes):,})", "head")), *columns(rows, indent="  ")]


def _process_end(process: types_pb2.Process) -> str:
    if process.HasField("exit_signal"):
        return _signal_name(process.exit_signal)
    if process.HasField("exit_code"):
        return str(process.exit_code)
    return "?" if process.HasField("ended_ns") else "still running"


def session_lines(view: lineage_pb2.SessionView) -> list[Line]:
    """Returns a session and its jobs, oldest first."""
    session, builds = view.session, view.session.build_steps
    facts = [
        ("created", f"{local_time(session.created_at_ns)} ({ago(session.created_at_ns)})"),
        ("steps", str(session.run_steps) + (f" and {plural(session.build_steps, 'build step')}" if builds else "")),
        ("jobs", f"{session.jobs:,}"),
    ]
    state = Span("active", "good") if session.active else Span("closed", "dim")
    lines = [line("session ", Span(session.hash, "id"), "  ", state), *_facts(facts)]
    if view.jobs:
        lines += [BLANK, *log_lines(jobs_pb2.ListJobsResponse(jobs=view.jobs))]
    return lines


def artifact_lines(artifact: lineage_pb2.Artifact) -> list[Line]:
    """Returns an artifact and every place where it was seen, newest first."""
    title = [Span("artifact "), Span(artifact.hash.hex() or "without a hash", "id")]
    facts = [
        ("size", f"{size(artifact.size)} ({artifact.size:,} bytes)"),
        *((digest.algorithm, digest.digest.hex()) for digest in artifact.digests),
        ("first seen", f"{local_time(artifact.first_seen_ns)} ({ago(artifact.first_seen_ns)})"),
    ]
    lines = [tuple(title), *_facts(facts)]
    if artifact.path:
        lines.append(
            line(
                "  ",
                Span("on disk   ", "dim"),
                "  ",
                STATE_SPANS.get(artifact.state, Span("")),
                ": ",
                decoded(artifact.path),
            )
        )
    for title_of, written in (("written by", True), ("read by", False)):
        uses = [use for use in artifact.uses if use.written == written]
        if uses:
            lines += [
                BLANK,
                line(Span(f"{title_of} ({len(uses)})", "head")),
                *columns(map(_use_row, uses), indent="  "),
            ]
    return lines


def _use_row(use: lineage_pb2.ArtifactPath) -> Sequence[Span]:
    return (
        Span(use.job_uid, "id"),
        Span(use.step, "step"),
        Span(ago(use.at_ns), "dim"),
        Span(decoded(use.path), "path"),
    )
