"""The data that something was made from."""

from __future__ import annotations

import pytest
from query_lab import Lab, digest
from roar_proto.v1 import lineage_pb2 as pb

from roard.errors import ArtifactNotFound
from roard.query.inputs import get_inputs

ROOTS, DIRECT, ALL = pb.INPUT_SCOPE_UNSPECIFIED, pb.INPUT_SCOPE_DIRECT, pb.INPUT_SCOPE_ALL


def inputs(lab: Lab, ref: str, scope: pb.InputScope.ValueType = ROOTS) -> pb.GetInputsResponse:
    root = lab.project.root
    return get_inputs(lab.project, pb.GetInputsRequest(project_root=root, ref=ref.encode(), cwd=root, scope=scope))


def paths(response: pb.GetInputsResponse) -> list[str]:
    return [file.path.decode() for file in response.inputs]


def pipeline(lab: Lab) -> list[str]:
    pre = lab.job("@1", {"raw": "r"}, {"train": "t", "test": "u"}, code={"pre.py": "code"})
    fit = lab.job("@2", {"train": "t", "params": "p"}, {"model": "m"})
    score = lab.job("@3", {"test": "u", "model": "m", "params": "p"}, {"report": "97"})
    return [pre, fit, score]


def test_root_inputs_are_what_no_job_made_over_all_jobs_upstream(lab: Lab) -> None:
    pre, fit, score = pipeline(lab)
    response = inputs(lab, "report")
    assert (response.artifact.path, response.artifact.hash, response.jobs) == (b"report", digest(b"97"), 3)
    assert [(file.path, file.hash, file.producer) for file in response.inputs] == [
        (b"params", digest(b"p"), ""),
        (b"raw", digest(b"r"), ""),
    ]
    assert [list(file.consumers) for file in response.inputs] == [[fit, score], [pre]]


def test_direct_inputs_of_a_job_are_what_it_read_itself(lab: Lab) -> None:
    pre, fit, _ = pipeline(lab)
    response = inputs(lab, "@3", DIRECT)
    assert paths(response) == ["model", "params", "test"]
    assert [(file.producer, file.producer_step) for file in response.inputs] == [(fit, "@2"), ("", ""), (pre, "@1")]
    assert paths(inputs(lab, "report", DIRECT)) == ["model", "params", "test"]


def test_all_inputs_are_every_file_upstream_with_its_maker(lab: Lab) -> None:
    pre, fit, _ = pipeline(lab)
    response = inputs(lab, "report", ALL)
    assert {file.path.decode(): file.producer for file in response.inputs} == {
        "model": fit,
        "params": "",
        "raw": "",
        "test": pre,
        "train": pre,
    }


def test_a_file_updated_in_place_is_no_cycle_and_its_first_content_is_the_root(lab: Lab) -> None:
    lab.job("@1", {"log": "1"}, {"log": "12"})
    lab.job("@2", {"log": "12"}, {"log": "123"})
    assert [(file.path, file.hash) for file in inputs(lab, "log").inputs] == [(b"log", digest(b"1"))]
    assert sorted(file.size for file in inputs(lab, "log", ALL).inputs) == [1, 2]


def test_a_root_that_a_later_job_made_again_is_still_one(lab: Lab) -> None:
    lab.job("@1", {"x": "same"}, {"y": "y"})
    lab.job("@2", {"y": "y"}, {"x": "same"})
    lab.job("@3", {"x": "same"}, {"end": "e"})
    assert paths(inputs(lab, "end")) == ["x"]


def test_a_session_counts_the_latest_job_of_each_step_only(lab: Lab) -> None:
    lab.job("@1", {"old": "o"}, {"a": "1"})
    lab.job("@1", {"new": "n"}, {"a": "2"})
    response = inputs(lab, "")
    assert (response.session, paths(response)) == (lab.session_hashes()[0], ["new"])
    lab.reset()
    empty = inputs(lab, "")
    assert (empty.jobs, paths(empty)) == (0, [])


def test_a_file_that_no_job_made_has_none(lab: Lab) -> None:
    pipeline(lab)
    response = inputs(lab, "raw")
    assert (response.jobs, paths(response)) == (0, [])
    with pytest.raises(ArtifactNotFound):
        inputs(lab, "nothing")


def test_content_that_nobody_knows_is_listed_with_the_reason(lab: Lab) -> None:
    lab.job("@1", {"db": None}, {"out": "o"})
    (file,) = inputs(lab, "out").inputs
    assert (file.hash, file.hash_note) == (b"", "changed-by-job")
