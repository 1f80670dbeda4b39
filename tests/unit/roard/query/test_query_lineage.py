"""What a file was made from, over all sessions."""

from __future__ import annotations

import pytest
from query_lab import Lab, digest
from roar_proto.v1 import lineage_pb2 as pb

from roard.errors import ArtifactNotFound, BadReference
from roard.query.lineage import get_lineage


def lineage(lab: Lab, ref: str, depth: int = 0) -> pb.GetLineageResponse:
    return get_lineage(lab.project, lab.lineage_request(ref, depth))


def jobs(response: pb.GetLineageResponse) -> list[str]:
    return [job.uid for job in response.jobs]


def edges(response: pb.GetLineageResponse) -> set[tuple[str, str, str]]:
    return {(edge.producer, edge.consumer, edge.path.decode()) for edge in response.edges}


def test_jobs_upstream_nearest_first_with_the_files_between_them(lab: Lab) -> None:
    pre = lab.job("@1", {"raw": "r"}, {"train": "t", "test": "u"})
    fit = lab.job("@2", {"train": "t"}, {"model": "m"})
    score = lab.job("@3", {"test": "u", "model": "m"}, {"report": "97"})
    lab.job("@4", {"report": "97"}, {"slides": "s"})
    response = lineage(lab, "report")
    assert (response.path, response.hash, response.size, response.truncated) == (b"report", digest(b"97"), 2, False)
    assert jobs(response) == [score, fit, pre]
    assert edges(response) == {(pre, fit, "train"), (fit, score, "model"), (pre, score, "test")}
    assert [file.path for file in response.jobs[0].inputs] == [b"model", b"test"]


def test_it_reaches_into_old_sessions(lab: Lab) -> None:
    old = lab.job("@1", {}, {"data": "d"})
    lab.reset()
    new = lab.job("@1", {"data": "d"}, {"model": "m"})
    assert jobs(lineage(lab, "model")) == [new, old]


def test_an_old_content_leads_to_the_job_that_made_that_one(lab: Lab) -> None:
    old = lab.job("@1", {}, {"model": "one"})
    new = lab.job("@1", {}, {"model": "two"})
    assert jobs(lineage(lab, digest(b"one").hex())) == [old]
    assert jobs(lineage(lab, "model")) == [new]
    lab.put("model", "one")
    assert jobs(lineage(lab, "model")) == [old]


def test_a_reader_is_below_the_execution_that_made_what_it_read(lab: Lab) -> None:
    first = lab.job("@1", {}, {"data": "one"})
    reader = lab.job("@2", {"data": "one"}, {"model": "m"})
    lab.job("@1", {}, {"data": "one", "other": "x"})
    lab.job("@1", {}, {"data": "two"})
    assert jobs(lineage(lab, "model")) == [reader, first]


def test_updates_in_place_are_versions_and_no_cycle(lab: Lab) -> None:
    first = lab.job("@1", {}, {"log": "1"})
    second = lab.job("@2", {"log": "1"}, {"log": "12"})
    third = lab.job("@2", {"log": "12"}, {"log": "123"})
    response = lineage(lab, "log")
    assert jobs(response) == [third, second, first]
    assert edges(response) == {(first, second, "log"), (second, third, "log")}


def test_a_content_that_returns_is_no_cycle_either(lab: Lab) -> None:
    ups = [lab.job("@1", {"switch": value}, {"switch": other}) for value, other in [("0", "1"), ("1", "0")] * 2]
    assert jobs(lineage(lab, "switch")) == ups[::-1]


def test_a_file_moved_by_hand_keeps_its_lineage_but_not_an_empty_one(lab: Lab) -> None:
    made = lab.job("@1", {}, {"out/model": "m", "out/flag": ""})
    used = lab.job("@2", {"final/model": "m", "final/flag": ""}, {"report": "r"})
    response = lineage(lab, "report")
    assert jobs(response) == [used, made]
    assert edges(response) == {(made, used, "final/model")}


def test_a_producer_that_was_still_running_counts(lab: Lab) -> None:
    score = lab.job("@1", {"ckpt": "c"}, {"score": "s"}, duration_s=100)
    train = lab.job("@2", {}, {"ckpt": "c", "model": "m"}, duration_s=1000)
    assert jobs(lineage(lab, "score")) == [score, train]


def test_a_job_that_began_after_the_reader_ended_does_not(lab: Lab) -> None:
    score = lab.job("@1", {"ckpt": "c"}, {"score": "s"}, duration_s=1)
    next(lab.clock)
    lab.job("@2", {}, {"ckpt": "c"})
    assert jobs(lineage(lab, "score")) == [score]


def test_two_jobs_that_fed_each_other_are_no_cycle(lab: Lab) -> None:
    a = lab.job("@1", {"x": "x"}, {"y": "y"}, duration_s=100)
    b = lab.job("@2", {"y": "y"}, {"x": "x"}, duration_s=100)
    assert edges(lineage(lab, "x")) == {(a, b, "y")}


def test_content_without_a_hash_goes_by_the_path(lab: Lab) -> None:
    made = lab.job("@1", {}, {"data": "d"})
    used = lab.job("@2", {"data": None}, {"model": "m"})
    response = lineage(lab, "model")
    assert edges(response) == {(made, used, "data")}
    assert response.edges[0].hash == b""


def test_generated_code_is_an_edge_and_compiled_code_is_not(lab: Lab) -> None:
    made = lab.job("@1", {}, {"gen.py": "code", "__pycache__/m.pyc": "x"})
    used = lab.job("@2", {}, {"out": "o"}, code={"gen.py": "code", "__pycache__/m.pyc": "x"})
    assert edges(lineage(lab, "out")) == {(made, used, "gen.py")}


def test_a_root_input_has_no_jobs(lab: Lab) -> None:
    lab.job("@1", {"raw": "r"}, {"out": "o"})
    response = lineage(lab, "raw")
    assert (jobs(response), response.path, response.hash) == ([], b"raw", digest(b"r"))


def test_a_hash_alone_gets_the_name_under_which_it_was_made(lab: Lab) -> None:
    uid = lab.job("@1", {}, {"model": "m"})
    response = lineage(lab, digest(b"m").hex()[:12])
    assert (jobs(response), response.path) == ([uid], b"model")


def test_depth_cuts_and_says_so(lab: Lab) -> None:
    uids = [lab.job(f"@{n}", {f"f{n}": str(n)}, {f"f{n + 1}": str(n + 1)}) for n in range(1, 5)]
    response = lineage(lab, "f5", depth=2)
    assert (jobs(response), response.truncated) == ([uids[3], uids[2]], True)
    response = lineage(lab, "f5", depth=4)
    assert (jobs(response), response.truncated) == (uids[::-1], False)


def test_of_a_job(lab: Lab) -> None:
    first = lab.job("@1", {}, {"a": "1"})
    second = lab.job("@2", {"a": "1"}, {"b": "1"})
    response = lineage(lab, "@2")
    assert (jobs(response), response.hash, response.path) == ([second, first], b"", b"")


def test_of_a_session_is_refused(lab: Lab) -> None:
    lab.job("@1")
    with pytest.raises(BadReference):
        lineage(lab, lab.session_hashes()[0])
    with pytest.raises(ArtifactNotFound):
        lineage(lab, "nothing")
