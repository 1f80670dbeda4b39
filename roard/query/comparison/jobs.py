"""How a job differs from its counterpart in everything that is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from roar_proto.v1 import diff_pb2 as pb
from roar_proto.v1 import jobs_pb2
from sqlalchemy import select
from sqlalchemy.orm import Session

from roard.db.machines import machines_of
from roard.db.tables import DroppedRow, JobRow, ProcessRow
from roard.query import job_parts
from roard.query.comparison.files import compare_files
from roard.query.comparison.pairs import Pair
from roard.query.comparison.parameters import parameter_changes
from roard.query.comparison.surroundings import Surroundings, environment_changes, package_changes, surroundings
from roard.query.jobs import load_jobs
from roard.query.lineage import Link, these


@dataclass(frozen=True)
class Loaded:
    """What the database knows of the jobs that are compared, by id."""

    jobs: Mapping[int, jobs_pb2.Job]
    files: Mapping[int, jobs_pb2.Job]
    """With files, and nothing else."""
    around: Mapping[int, Surroundings]
    makers: Mapping[tuple[int, bytes], str]
    """Uid of the job that made what a job read at a path."""


def load(session: Session, pairs: Sequence[Pair], links: Sequence[Link]) -> Loaded:
    """Returns everything about the jobs of pairs; twelve statements."""
    ids = sorted({job for one in pairs for job in (one.a, one.b) if job is not None})
    wanted = these(ids)
    jobs = {job.sequence: job for job in load_jobs(session, wanted)}
    files = {job_id: jobs_pb2.Job() for job_id in jobs}
    job_parts.add_files(session, files, wanted)
    read: dict[int, list[bytes]] = {}
    dropped = select(DroppedRow.job_id, DroppedRow.path).where(DroppedRow.job_id.in_(wanted), ~DroppedRow.written)
    for job_id, path in session.execute(dropped.where(DroppedRow.rule.in_(("package", "system")))):
        read.setdefault(job_id, []).append(path)
    programs: dict[int, list[bytes]] = {}
    for job_id, exe in session.execute(
        select(ProcessRow.job_id, ProcessRow.exe).where(ProcessRow.job_id.in_(wanted)).distinct()
    ):
        programs.setdefault(job_id, []).append(exe)
    around = {job: surroundings(read.pop(job, ()), programs.get(job, ())) for job in ids}
    for job, machine in machines_of(session, wanted).items():
        around[job].machine = machine
    uids = dict(
        session.execute(
            select(JobRow.id, JobRow.uid).where(JobRow.id.in_(these({link.producer for link in links})))
        ).all()
    )
    makers = {(link.consumer, link.path): uids[link.producer] for link in links}
    return Loaded(jobs, files, around, makers)


def job_diff(pair_: Pair, loaded: Loaded) -> pb.JobDiff | None:
    """Returns how a job differs from its counterpart; None: it does not."""
    if pair_.a is None or pair_.b is None:
        a = loaded.jobs[pair_.a] if pair_.a is not None else None
        b = loaded.jobs[pair_.b] if pair_.b is not None else None
        return pb.JobDiff(a=a, b=b)
    a, b = loaded.jobs[pair_.a], loaded.jobs[pair_.b]
    files_a, files_b = loaded.files[pair_.a], loaded.files[pair_.b]
    code = compare_files(files_a.code, files_b.code)
    inputs = compare_files(files_a.inputs, files_b.inputs)
    outputs = compare_files(files_a.outputs, files_b.outputs)
    around_a, around_b = loaded.around[pair_.a], loaded.around[pair_.b]
    for change in inputs.changes:
        change.producer_a = loaded.makers.get((pair_.a, change.path), "")
        change.producer_b = loaded.makers.get((pair_.b, change.path_b or change.path), "")
    found = pb.JobDiff(
        a=a,
        b=b,
        parameters=parameter_changes(a.argv, b.argv),
        code=code.changes,
        inputs=inputs.changes,
        outputs=outputs.changes,
        packages=package_changes(around_a, around_b),
        environment=environment_changes(a, b, around_a, around_b),
        same_inputs=inputs.same,
        same_outputs=outputs.same,
        same_code=code.same,
    )
    lists = (found.parameters, found.code, found.inputs, found.outputs, found.packages, found.environment)
    return found if any(lists) or a.status != b.status else None
