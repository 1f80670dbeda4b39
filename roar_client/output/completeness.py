"""How complete the record of a job is: who looked on, and whether anything was missed."""

from __future__ import annotations

from collections import Counter

from roar_proto.v1 import jobs_pb2

from roar_client.output.human import plural
from roar_client.output.text import visible

_NOBODY = {"none", "launcher"}


def seen_by(job: jobs_pb2.Job) -> dict[str, int]:
    """Returns how many processes each backend saw, that of the job first."""
    counts = Counter(process.tracer or job.tracer for process in job.processes)
    return dict(sorted(counts.items(), key=lambda item: (item[0] != job.tracer, item[0])))


def completeness_facts(job: jobs_pb2.Job) -> list[tuple[str, str]]:
    """Returns who looked on, and whether anything was missed."""
    shares = [_share(job, tracer, number) for tracer, number in seen_by(job).items()]
    warnings = f", {plural(len(job.warnings), 'warning')}" if job.warnings else ""
    lost = f", {plural(job.events_lost, 'event')} lost" if job.events_lost else ""
    return [
        ("seen by", visible(", ".join(shares) or (job.tracer if job.tracer != "none" else "nobody"))),
        ("complete", f"{'yes' if job.complete else 'no'}{warnings}{lost}"),
    ]


def _share(job: jobs_pb2.Job, tracer: str, number: int) -> str:
    who = "nobody" if tracer in _NOBODY else tracer
    handed_over = ", handed over" if who == tracer != job.tracer else ""
    return f"{who} ({plural(number, 'process', 'processes')}{handed_over})"
