"""Jobs and files found by words."""

from __future__ import annotations

import pytest
from query_lab import Lab, digest
from roar_proto.v1 import lineage_pb2 as pb

from roard.errors import BadRequest
from roard.query.search import search


def found(lab: Lab, *words: str, limit: int = 0) -> pb.SearchResponse:
    return search(lab.project, pb.SearchRequest(project_root=lab.project.root, words=words, limit=limit))


def paths(response: pb.SearchResponse) -> list[str]:
    return [file.path.decode() for file in response.files]


def test_jobs_are_found_by_all_words_of_their_command_in_any_order_and_case(lab: Lab) -> None:
    old = lab.job("@1", argv="python Train.py --lr 0.1")
    lab.job("@2", argv="python train.py --lr 0.2")
    lab.reset()
    new = lab.job("@1", argv="python train.py --seed 7 --lr 0.1")
    response = found(lab, "lr 0.1", "TRAIN")
    assert ([job.uid for job in response.jobs], response.job_total) == ([new, old], 2)


def test_files_are_found_by_parts_of_their_path_those_used_last_first(lab: Lab) -> None:
    lab.job("@1", {"runs/1/raw.csv": "r"}, {"runs/1/model.pt": "1", "other": "x"})
    reader = lab.job("@2", {"runs/1/model.pt": "1"}, {"runs/2/model.pt": "2"})
    lab.job("@3", {"unrelated": "u"})
    response = found(lab, "runs", "MODEL")
    assert (paths(response), response.file_total) == (["runs/1/model.pt", "runs/2/model.pt"], 2)
    first, second = response.files
    assert (first.job, first.step, first.written, first.uses, first.hash) == (reader, "@2", False, 2, digest(b"1"))
    assert (second.written, second.uses, second.size) == (True, 1, 1)


def test_what_a_job_read_and_wrote_is_shown_as_it_wrote_it(lab: Lab) -> None:
    lab.job("@1", {"log": "1"}, {"log": "12"})
    (file,) = found(lab, "log").files
    assert (file.written, file.hash, file.uses) == (True, digest(b"12"), 2)


def test_signs_of_patterns_stand_for_themselves(lab: Lab) -> None:
    lab.job("@1", {"100%_done\\x": "a", "100 done": "b"})
    assert paths(found(lab, "%")) == ["100%_done\\x"]
    assert paths(found(lab, "_done\\")) == ["100%_done\\x"]


def test_a_limit_keeps_the_newest_and_counts_all(lab: Lab) -> None:
    for number in range(1, 6):
        lab.job(f"@{number}", {}, {f"out{number}": "x"}, argv=f"make out{number}")
    response = found(lab, "out", limit=2)
    assert (paths(response), response.file_total) == (["out5", "out4"], 5)
    assert (len(response.jobs), response.job_total) == (2, 5)


def test_more_files_than_one_statement_can_name(lab: Lab) -> None:
    lab.job("@1", {}, {f"out{number}": "x" for number in range(2500)}, on_disk=False)
    assert len(found(lab, "out", limit=10_000).files) == 2500


def test_nothing_to_search_for_is_refused(lab: Lab) -> None:
    with pytest.raises(BadRequest):
        found(lab, "")
