"""Loads the graph of a session: what graph.py needs to know, and the messages of its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from roar_proto.v1 import sessions_pb2 as pb
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from roard.db.tables import ArtifactRow, InputRow, JobRow, OutputRow, StepRow
from roard.query import graph
from roard.query.graph import DiskFile
from roard.query.jobs import load_jobs, step_label
from roard.query.session_writes import load_writes
from roard.query.sessions import load_session


@dataclass(frozen=True, slots=True)
class Output:
    """A data file that the latest job of a step wrote."""

    path: bytes
    digest: bytes
    size: int
    job: int
    step: int


@dataclass(frozen=True)
class SessionGraph:
    """Everything about a session's graph that the database knows. Recalled: nobody changes it."""

    session: pb.Session
    steps: tuple[graph.Step, ...]
    """Build steps first, then by number."""
    messages: Mapping[int, pb.DagStep]
    """By step id, with job and executions."""
    writes: Mapping[bytes, Sequence[graph.Write]]
    """Those that matter at the paths that the latest jobs read (session_writes.py)."""
    outputs: tuple[Output, ...]
    parents: Mapping[int, set[int]]
    sizes: Mapping[bytes, set[int]]
    """Sizes of the recorded contents, by path: content of another size on disk is known to differ unread."""

    def dag_steps(self, disk: Mapping[bytes, DiskFile]) -> list[pb.DagStep]:
        """Returns the steps with parents and staleness; `disk` is empty when files are not to be compared."""
        reasons = graph.stale_reasons(self.steps, self.parents, self.writes, disk)
        labels = {step.id: step.label for step in self.steps}
        messages = []
        for step in self.steps:
            message = pb.DagStep()
            message.CopyFrom(self.messages[step.id])
            messages.append(message)
            message.parents.extend(labels[other.id] for other in self.steps if other.id in self.parents[step.id])
            message.stale = bool(reasons[step.id])
            message.stale_reasons.extend(reasons[step.id])
        return messages


def load_graph(session: Session, session_id: int) -> SessionGraph:
    """Returns the graph of a session. A fixed number of statements."""
    latest = latest_jobs(session_id)
    reads, sizes = _reads(session, latest)
    writes = load_writes(session, session_id, sizes)
    outputs = _outputs(session, latest, sizes)
    steps, messages = _steps(session, session_id, latest, reads)
    return SessionGraph(
        session=load_session(session, session_id),
        steps=steps,
        messages=messages,
        writes=writes,
        outputs=outputs,
        parents=graph.parents(steps, writes),
        sizes=sizes,
    )


def latest_jobs(session_id: int) -> Select[int]:
    """Selects the latest job of every step. Index: ix_job_step."""
    joined = select(func.max(JobRow.id)).join(StepRow, JobRow.step_id == StepRow.id)
    return joined.where(StepRow.session_id == session_id).group_by(JobRow.step_id).correlate(None)


def _steps(
    session: Session, session_id: int, latest: Select[int], reads: Mapping[int, list[graph.Read]]
) -> tuple[tuple[graph.Step, ...], dict[int, pb.DagStep]]:
    # Of thousands of jobs one that ended well is found at once; only the index is read to count them.
    well = select(JobRow.id).where(JobRow.step_id == StepRow.id, JobRow.status == "ok")
    columns = select(StepRow, func.max(JobRow.id), func.count(JobRow.id), well.correlate(StepRow).exists())
    joined = columns.join(JobRow, JobRow.step_id == StepRow.id).where(StepRow.session_id == session_id)
    rows = session.execute(joined.group_by(StepRow.id)).all()
    jobs = {job.sequence: job for job in load_jobs(session, latest)}
    steps, messages = [], {}
    for step, job_id, executions, has_succeeded in sorted(
        rows, key=lambda row: (row[0].kind != "build", row[0].number)
    ):
        label = step_label(step.kind, step.number)
        steps.append(graph.Step(step.id, label, job_id, tuple(reads.get(job_id, ()))))
        messages[step.id] = pb.DagStep(
            step=label,
            name=step.name,
            named=step.named,
            job=jobs[job_id],
            executions=executions,
            has_succeeded=bool(has_succeeded),
        )
    return tuple(steps), messages


def _reads(session: Session, latest: Select[int]) -> tuple[dict[int, list[graph.Read]], dict[bytes, set[int]]]:
    """Returns what the latest jobs read, by job id, and sizes by path. Compiled Python is not an input of its own."""
    columns = select(InputRow.job_id, InputRow.path, ArtifactRow.hash, InputRow.size, InputRow.role, InputRow.removed)
    of_latest = columns.outerjoin(ArtifactRow).where(InputRow.job_id.in_(latest)).order_by(InputRow.path)
    rows = session.connection().execute(of_latest).all()
    reads: dict[int, list[graph.Read]] = {}
    sizes: dict[bytes, set[int]] = {}
    for job_id, path, digest, size, role, removed in rows:
        if role == "data" or not path.endswith(b".pyc"):
            reads.setdefault(job_id, []).append(graph.Read(path, digest or b"", size, role == "code", removed))
            sizes.setdefault(path, set()).add(size)
    return reads, sizes


def _outputs(session: Session, latest: Select[int], sizes: dict[bytes, set[int]]) -> tuple[Output, ...]:
    columns = select(OutputRow.path, ArtifactRow.hash, OutputRow.size, OutputRow.job_id, JobRow.step_id)
    joined = columns.join(JobRow, OutputRow.job_id == JobRow.id).outerjoin(ArtifactRow)
    rows = session.connection().execute(joined.where(OutputRow.job_id.in_(latest), OutputRow.role == "data")).all()
    outputs = tuple(Output(path, digest or b"", size, job_id, step_id) for path, digest, size, job_id, step_id in rows)
    for output in outputs:
        sizes.setdefault(output.path, set()).add(output.size)
    return outputs
