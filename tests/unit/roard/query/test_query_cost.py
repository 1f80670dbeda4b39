"""Queries cost a fixed number of statements, however much is recorded."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from query_lab import Lab, counted
from roar_proto.v1 import files_pb2, jobs_pb2, lineage_pb2

from roard.query.dag import get_dag
from roard.query.files import list_files
from roard.query.jobs import get_job, list_jobs
from roard.query.lineage import get_lineage
from roard.query.outdated import outdated_steps
from roard.query.resolve import resolve
from roard.query.search import search
from roard.query.sessions import get_session, list_sessions
from roard.query.status import project_status

QUERIES: dict[str, tuple[Callable[[Lab], object], int]] = {
    "log": (lambda lab: list_jobs(lab.project, jobs_pb2.ListJobsRequest(limit=10_000)), 4),
    "job": (lambda lab: get_job(lab.project, "@1"), 10),
    "session": (lambda lab: get_session(lab.project, ""), 8),
    "dag": (lambda lab: get_dag(lab.project, check_files=True), 12),
    "status": (lambda lab: project_status(lab.project), 13),
    "outdated": (lambda lab: outdated_steps(lab.project, ["@1"]), 14),
    "sessions": (lambda lab: list_sessions(lab.project), 6),
    "search": (lambda lab: search(lab.project, lineage_pb2.SearchRequest(words=["f"])), 11),
    "top": (lambda lab: list_files(lab.project, files_pb2.ListFilesRequest(limit=10_000)), 2),
    "path": (lambda lab: resolve(lab.project, lab.resolve_request("f1")), 10),
}


def record(lab: Lab, steps: int) -> None:
    for number in range(1, steps + 1):
        reads = {f"f{number}": str(number), **{f"in{number}-{i}": f"{i}" for i in range(5)}}
        lab.job(f"@{number}", reads, {f"f{number + 1}": str(number + 1)}, code={"c.py": "c"})


@pytest.mark.parametrize("name", QUERIES)
def test_statements_do_not_grow_with_jobs_and_files(lab: Lab, name: str) -> None:
    query, at_most = QUERIES[name]
    record(lab, 2)
    with counted() as few:
        query(lab)
    record(lab, 12)
    with counted() as many:
        query(lab)
    assert len(many) == len(few), "\n".join(many)
    assert len(many) <= at_most, "\n".join(many)


def test_lineage_costs_a_few_statements_a_level(lab: Lab) -> None:
    lab.job("@1", {}, {f"f{i}": str(i) for i in range(50)})
    for number in range(2, 30):
        lab.job(f"@{number}", {f"f{number}": str(number)}, {f"g{number}": f"g{number}"})
    lab.job("@30", {f"g{number}": f"g{number}" for number in range(2, 30)}, {"end": "end"})
    with counted() as seen:
        response = get_lineage(lab.project, lab.lineage_request("end"))
    assert len(response.jobs) == 30
    assert len(seen) <= 4 + 16, "\n".join(seen)


def test_a_number_of_files_beyond_every_limit_of_sqlite(lab: Lab) -> None:
    files = {f"f{i}": str(i) for i in range(33_000)}
    lab.job("@1", {}, files, on_disk=False)
    lab.job("@2", files, {"end": "e"}, on_disk=False)
    assert len(get_lineage(lab.project, lab.lineage_request("end")).edges) == 33_000
    assert len(get_dag(lab.project, check_files=True).files) == 33_001
