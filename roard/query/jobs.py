"""Jobs as messages: one with everything, many without their files."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import regex
from roar_proto.v1 import jobs_pb2 as pb
from roar_proto.v1 import types_pb2 as types
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from roard.db.machines import machines_of
from roard.db.tables import JobRow, SessionRow, StepRow
from roard.errors import BadPattern, ConfigError
from roard.project import Project
from roard.query import job_parts
from roard.query.find import find_job, find_session

KINDS: Mapping[str, types.JobKind.ValueType] = {"run": types.JOB_KIND_RUN, "build": types.JOB_KIND_BUILD}
STATUSES: Mapping[str, types.JobStatus.ValueType] = {
    "ok": types.JOB_STATUS_OK,
    "failed": types.JOB_STATUS_FAILED,
    "interrupted": types.JOB_STATUS_INTERRUPTED,
}
# Columns, not objects of the ORM: ten times as fast.
JOBS = (
    select(
        *JobRow.__table__.columns,
        StepRow.kind.label("step_kind"),
        StepRow.number.label("step_number"),
        StepRow.name.label("step_name"),
        SessionRow.hash.label("session_hash"),
    )
    .select_from(JobRow)
    .join(StepRow, JobRow.step_id == StepRow.id)
    .join(SessionRow)
)
"""Everything about jobs that `job_message` wants, one row each."""
DEFAULT_LIMIT = 20
MAX_LIMIT = 10_000
SEARCH_S = 5.0
"""For a pattern to be searched in all commands of a project; an unlucky one would take years."""


def get_job(project: Project, ref: str) -> pb.Job:
    """Returns one job with everything; an empty ref is the newest.

    Raises JobNotFound, BadReference, AmbiguousReference.
    """
    with project.store.read() as session:
        job_id = find_job(session, ref.encode("utf-8", "surrogateescape"))
        return load_job(session, job_id, code_among_inputs=lists_code(project))


def lists_code(project: Project) -> bool:
    """Returns whether code is to be listed among inputs; not when the settings are broken: a question is answered."""
    try:
        return project.settings().output_track_repo_files
    except ConfigError:
        return False


def list_jobs(project: Project, request: pb.ListJobsRequest) -> pb.ListJobsResponse:
    """Returns the newest jobs that match, without their files.

    Raises BadPattern, SessionNotFound, BadReference, AmbiguousReference.
    """
    search = _Search(request.grep) if request.grep else None
    with project.store.read() as session:
        matching = _matching(session, request, search)
        total = session.scalar(select(func.count()).select_from(matching.subquery())) or 0
        limit = min(request.limit or DEFAULT_LIMIT, MAX_LIMIT)
        newest = matching.order_by(JobRow.id.desc()).limit(limit)
        jobs = load_jobs(session, newest)
    if search and search.gave_up:
        raise BadPattern(request.grep, f"searching it takes longer than {SEARCH_S:.0f} s")
    return pb.ListJobsResponse(jobs=sorted(jobs, key=lambda job: -job.sequence), total=total)


class _Search:
    """A regular expression, searched with a limit of time and without keeping other threads from their work."""

    def __init__(self, pattern: str) -> None:
        try:
            self._pattern = regex.compile(pattern)
        except regex.error as error:
            raise BadPattern(pattern, str(error)) from None
        self._end = time.monotonic() + SEARCH_S
        self.gave_up = False

    def finds(self, text: str) -> bool:
        """Returns whether the pattern is in the text; False from then on when there is no time left."""
        left = self._end - time.monotonic()
        if self.gave_up or left <= 0:
            self.gave_up = True
            return False
        try:
            return self._pattern.search(text, concurrent=True, timeout=left) is not None
        except TimeoutError:
            self.gave_up = True
            return False


def _matching(session: Session, request: pb.ListJobsRequest, search: _Search | None) -> Select[int]:
    """Returns the statement for the ids of all jobs that a request asks for."""
    wanted = select(JobRow.id).join(StepRow, JobRow.step_id == StepRow.id).join(SessionRow)
    if request.session:
        wanted = wanted.where(
            SessionRow.id == find_session(session, request.session.encode("utf-8", "surrogateescape"))
        )
    elif not request.all_sessions:
        wanted = wanted.where(SessionRow.active)
    if request.status:
        names = {value: name for name, value in STATUSES.items()}
        wanted = wanted.where(JobRow.status == names[request.status])
    if search:
        # The driver's own connection, which the pool hands out inside a wrapper.
        session.connection().connection.create_function("roar_finds", 1, search.finds)
        wanted = wanted.where(func.roar_finds(JobRow.command) == 1)
    return wanted


def load_job(session: Session, job_id: int, *, code_among_inputs: bool = False) -> pb.Job:
    """Returns one job with everything recorded. code_among_inputs: code that it read is listed there, too."""
    only = select(JobRow.id).where(JobRow.id == job_id)
    (job,) = load_jobs(session, only)
    job_parts.add_files(session, {job_id: job}, only, code_among_inputs=code_among_inputs)
    job_parts.set_digests(session, job_id, (*job.inputs, *job.outputs, *job.code))
    job.dropped.extend(job_parts.dropped(session, job_id))
    job.processes.extend(job_parts.processes(session, job_id))
    if machine := machines_of(session, only).get(job_id):
        job.machine.CopyFrom(machine)
    return job


def load_jobs(session: Session, wanted: Select[int]) -> list[pb.Job]:
    """Returns the jobs whose ids a statement selects, oldest first, with counts and warnings but without files.

    Two statements, whatever their number.
    """
    wanted = wanted.correlate(None)
    rows = session.connection().execute(JOBS.where(JobRow.id.in_(wanted)).order_by(JobRow.id)).all()
    warnings = job_parts.warnings(session, wanted)
    jobs = []
    for row in rows:
        job = job_message(row)
        job_parts.set_warnings(job, warnings.get(row.id, ()))
        jobs.append(job)
    return jobs


def step_label(kind: str, number: int) -> str:
    """Returns "@3" or "@B1"."""
    return f"@{number}" if kind == "run" else f"@B{number}"


def words(joined: bytes) -> Iterator[bytes]:
    """Yields the words that a column holds joined by NUL."""
    if joined:
        yield from joined.split(b"\0")


def job_message(row: Any) -> pb.Job:
    """Returns a job without what hangs on it, from a row of JOBS."""
    return pb.Job(
        uid=row.uid,
        run_id=row.run_id,
        step=step_label(row.step_kind, row.step_number),
        kind=KINDS[row.step_kind],
        step_name=row.step_name,
        argv=row.argv.split(b"\0"),
        cwd=row.cwd,
        status=STATUSES[row.status],
        exit_code=row.exit_code,
        exit_signal=row.exit_signal,
        started_at_ns=row.started_at_ns,
        duration_ns=row.duration_ns,
        git=_git_message(row),
        tracer=row.tracer,
        hostname=row.hostname,
        user=row.user,
        roar_version=row.roar_version,
        session_hash=row.session_hash.hex(),
        sequence=row.id,
        events_lost=row.events_lost,
        input_count=row.input_count,
        output_count=row.output_count,
        output_bytes=row.output_bytes,
        code_count=row.code_count,
        dropped_count=row.dropped_count,
        cached_from=row.cached_from,
    )


def _git_message(row: Any) -> types.GitState | None:
    if row.git_commit is None:
        return None
    return types.GitState(
        commit=row.git_commit,
        branch=row.git_branch or "",
        remote=row.git_remote or "",
        dirty=row.git_dirty,
        changed_paths=words(row.git_changed or b""),
        read_late=row.git_read_late,
    )
