"""Lists of jobs, and one job in full."""

from __future__ import annotations

import pytest
from query_lab import Lab, digest
from roar_proto.v1 import jobs_pb2 as pb
from roar_proto.v1 import types_pb2

from roard.errors import BadPattern
from roard.query.jobs import get_job, list_jobs


def listed(lab: Lab, **request: object) -> tuple[list[str], int]:
    response = list_jobs(lab.project, pb.ListJobsRequest(project_root=lab.project.root, **request))  # type: ignore[arg-type]
    return [job.uid for job in response.jobs], response.total


def test_the_newest_jobs_come_first(lab: Lab) -> None:
    uids = [lab.job(f"@{number}") for number in range(1, 26)]
    assert listed(lab) == (uids[:4:-1], 25)
    assert listed(lab, limit=2) == ([uids[24], uids[23]], 25)
    assert listed(lab, limit=10_000) == (uids[::-1], 25)


def test_old_sessions_are_listed_only_when_asked_for(lab: Lab) -> None:
    old = lab.job("@1")
    lab.reset()
    new = lab.job("@1")
    assert listed(lab) == ([new], 1)
    assert listed(lab, all_sessions=True) == ([new, old], 2)


def test_by_status(lab: Lab) -> None:
    lab.job("@1")
    failed = lab.job("@2", status="failed")
    interrupted = lab.job("@3", status="interrupted")
    assert listed(lab, status=types_pb2.JOB_STATUS_FAILED) == ([failed], 1)
    assert listed(lab, status=types_pb2.JOB_STATUS_INTERRUPTED) == ([interrupted], 1)


def test_by_a_python_regular_expression_over_the_command(lab: Lab) -> None:
    wanted = lab.job("@1", argv="python train.py --lr 0.1")
    lab.job("@2", argv="python train.py --lr 0.12")
    assert listed(lab, grep=r"lr 0\.1$") == ([wanted], 1)
    assert listed(lab, grep=r"(?i)TRAIN", limit=1)[1] == 2
    assert listed(lab, grep="nothing") == ([], 0)
    with pytest.raises(BadPattern):
        listed(lab, grep="(")


def test_a_list_has_counts_but_no_files(lab: Lab) -> None:
    lab.job("@1", {"a": "1", "b": "2"}, {"c": "345"}, code={"x.py": "x"}, dropped={"/usr/lib/z.so": "system"})
    (job,) = list_jobs(lab.project, pb.ListJobsRequest(project_root=lab.project.root)).jobs
    assert (job.input_count, job.output_count, job.output_bytes, job.code_count, job.dropped_count) == (2, 1, 3, 1, 1)
    assert [*job.inputs, *job.outputs, *job.code, *job.dropped, *job.processes] == []
    assert [warning.code for warning in job.warnings] == ["io-uring"]


def test_one_job_has_everything(lab: Lab) -> None:
    uid = lab.job("@B1", {"b": "2", "a": "1"}, {"c": "345"}, code={"x.py": "x"}, dropped={"/usr/lib/z.so": "system"})
    job = get_job(lab.project, uid)
    assert (job.step, job.kind, job.cwd, list(job.argv)) == (
        "@B1",
        types_pb2.JOB_KIND_BUILD,
        b"",
        [b"python", b"stepB1.py"],
    )
    assert [(file.path, file.hash, file.size) for file in job.inputs] == [
        (b"a", digest(b"1"), 1),
        (b"b", digest(b"2"), 1),
    ]
    assert [(file.path, file.role) for file in job.code] == [(b"x.py", types_pb2.ROLE_CODE)]
    assert [(file.path, file.rule) for file in job.dropped] == [(b"/usr/lib/z.so", "system")]
    assert (job.processes[0].exe, job.processes[0].HasField("exit_signal")) == (b"/usr/bin/python3", False)
    assert (job.git.commit, job.git.dirty, job.status) == ("c" * 40, False, types_pb2.JOB_STATUS_OK)
    assert (job.HasField("exit_code"), job.HasField("exit_signal"), job.sequence) == (True, False, 1)


def test_content_without_a_hash_says_why(lab: Lab) -> None:
    job = get_job(lab.project, lab.job("@1", {"a": None}))
    assert (job.inputs[0].hash, job.inputs[0].hash_note, job.inputs[0].size) == (b"", "changed-by-job", 7)


def test_code_is_listed_among_inputs_on_request_and_questions_survive_broken_settings(lab: Lab) -> None:
    lab.job("@1", {"a": "1", "z": "1"}, {}, code={"m.py": "x"})
    config = lab.root / ".roar" / "config.toml"
    listed = {}
    for text in ("", "[output]\ntrack_repo_files = true\n", "[output]\ntrack_repo_files = 7\n"):
        config.write_text(text)
        job = get_job(lab.project, "@1")
        listed[text] = [file.path for file in job.inputs]
        assert [file.path for file in job.code] == [b"m.py"]
    assert list(listed.values()) == [[b"a", b"z"], [b"a", b"m.py", b"z"], [b"a", b"z"]]
