"""The command that runs a step again."""

from __future__ import annotations

from roar_proto.v1 import jobs_pb2 as pb
from roar_proto.v1 import types_pb2
from sqlalchemy import select
from sqlalchemy.orm import Session

from roard.db.tables import JobRow, StepRow
from roard.errors import NoBuildStep
from roard.overrides import override
from roard.paths import to_absolute
from roard.project import Project
from roard.query.find import find_step
from roard.query.jobs import KINDS
from roard.steps import read_command


def plan_rerun(project: Project, request: pb.PlanRerunRequest) -> pb.PlanRerunResponse:
    """Returns the command of a step with words replaced, and where it belongs.

    It is that of the latest job that did not fail, so that a mistyped word is not run again and again; of the latest
    one when all failed. Raises StepNotFound, BadReference, NoBuildStep, BadOverride.
    """
    with project.store.read() as session:
        found = find_step(session, request.step.encode("utf-8", "surrogateescape"))
        job = _last_good(session, session.get_one(JobRow, found.job_id))
        step = session.get_one(StepRow, job.step_id)
    if request.kind == types_pb2.JOB_KIND_BUILD and step.kind != "build":
        raise NoBuildStep(found.label)
    cwd = to_absolute(project.root, job.cwd)
    argv = job.argv.split(b"\0")
    return pb.PlanRerunResponse(
        argv=override(argv, read_command(argv, cwd, project.root), request.words),
        cwd=cwd,
        kind=KINDS[step.kind],
        step=found.label,
        step_name=step.name if step.named else "",
        job_uid=job.uid,
    )


def _last_good(session: Session, latest: JobRow) -> JobRow:
    """Index: ix_job_step."""
    good = select(JobRow).where(JobRow.step_id == latest.step_id, JobRow.status != "failed")
    return session.scalar(good.order_by(JobRow.id.desc()).limit(1)) or latest
