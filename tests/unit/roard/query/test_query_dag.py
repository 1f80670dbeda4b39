"""The graph of a session: edges, staleness with reasons, files."""

from __future__ import annotations

import pytest
from query_lab import Lab, digest
from roar_proto.v1 import sessions_pb2 as pb

from roard.query.dag import get_dag


def parents(lab: Lab) -> dict[str, list[str]]:
    return {step.step: list(step.parents) for step in get_dag(lab.project, check_files=True).steps}


def stale(lab: Lab, *, check_files: bool = True) -> dict[str, list[str]]:
    steps = get_dag(lab.project, check_files=check_files).steps
    assert all(step.stale == bool(step.stale_reasons) for step in steps)
    return {step.step: list(step.stale_reasons) for step in steps if step.stale}


def pipeline(lab: Lab) -> None:
    """preprocess → train → evaluate, which reads from both."""
    lab.job("@1", {"raw.csv": "raw"}, {"train.csv": "train", "test.csv": "test"}, code={"pre.py": "code"})
    lab.job("@2", {"train.csv": "train"}, {"model": "model"})
    lab.job("@3", {"test.csv": "test", "model": "model"}, {"metrics": "97"})


def test_a_step_shows_all_its_parents(lab: Lab) -> None:
    pipeline(lab)
    assert parents(lab) == {"@1": [], "@2": ["@1"], "@3": ["@1", "@2"]}
    assert stale(lab) == {}


def test_build_steps_come_first_and_are_parents_too(lab: Lab) -> None:
    lab.job("@1", {"tool": "elf"}, {"out": "x"})
    lab.job("@B1", {"tool.src": "src"}, {"tool": "elf2"})
    lab.job("@1", {"tool": "elf2"}, {"out": "x"})
    assert list(parents(lab).items()) == [("@B1", []), ("@1", ["@B1"])]


def test_only_the_latest_job_stands_for_a_step(lab: Lab) -> None:
    lab.job("@1", {}, {"a": "1"})
    lab.job("@2", {"a": "1"}, {"b": "1"})
    lab.put("other", "o")
    latest = lab.job("@2", {"other": "o"}, {"b": "2"})
    second = get_dag(lab.project, check_files=True).steps[1]
    assert (second.job.uid, second.executions, list(second.parents)) == (latest, 2, [])


def test_a_rerun_with_the_same_result_makes_nothing_stale(lab: Lab) -> None:
    pipeline(lab)
    lab.job("@1", {"raw.csv": "raw"}, {"train.csv": "train", "test.csv": "test"})
    assert stale(lab) == {}
    assert parents(lab) == {"@1": [], "@2": ["@1"], "@3": ["@1", "@2"]}


@pytest.mark.parametrize("check_files", [True, False])
def test_a_rerun_with_another_result_makes_its_readers_and_theirs_stale(lab: Lab, *, check_files: bool) -> None:
    pipeline(lab)
    lab.job("@1", {"raw.csv": "raw"}, {"train.csv": "train2", "test.csv": "test"})
    was, now = digest(b"train").hex()[:8], digest(b"train2").hex()[:8]
    assert stale(lab, check_files=check_files) == {
        "@2": [f"`train.csv` was written again by @1 ({was}, now {now})"],
        "@3": ["@2 is stale"],
    }


def test_running_the_readers_again_clears_it_from_top_to_bottom(lab: Lab) -> None:
    pipeline(lab)
    lab.job("@1", {"raw.csv": "raw"}, {"train.csv": "train2", "test.csv": "test"})
    lab.job("@2", {"train.csv": "train2"}, {"model": "model2"})
    assert set(stale(lab)) == {"@3"}
    lab.job("@3", {"test.csv": "test", "model": "model2"}, {"metrics": "98"})
    assert stale(lab) == {}


def test_a_file_edited_by_hand_makes_its_consumers_stale(lab: Lab) -> None:
    pipeline(lab)
    lab.put("raw.csv", "raw, edited")
    assert set(stale(lab)) == {"@1", "@2", "@3"}
    assert stale(lab, check_files=False) == {}
    reason = stale(lab)["@1"]
    assert reason == [f"`raw.csv` was changed ({digest(b'raw').hex()[:8]}, now of another size)"]


def test_an_edit_of_equal_size_is_found_by_content(lab: Lab) -> None:
    pipeline(lab)
    lab.put("model", "mOdel")
    assert stale(lab) == {
        "@3": [f"`model` was changed ({digest(b'model').hex()[:8]}, now {digest(b'mOdel').hex()[:8]})"]
    }


def test_a_touched_file_is_not_stale(lab: Lab) -> None:
    pipeline(lab)
    (lab.root / "raw.csv").touch()
    assert stale(lab) == {}


def test_edited_code_makes_its_step_stale(lab: Lab) -> None:
    pipeline(lab)
    lab.put("pre.py", "new code")
    assert set(stale(lab)) == {"@1", "@2", "@3"}


def test_compiled_python_is_neither_an_edge_nor_stale(lab: Lab) -> None:
    lab.job("@1", {}, {"a": "1", "__pycache__/m.pyc": "x"})
    lab.job("@2", {"b": "1"}, {}, code={"__pycache__/m.pyc": "x"})
    lab.put("__pycache__/m.pyc", "y")
    assert parents(lab)["@2"] == []
    assert stale(lab) == {}


def test_a_missing_input_that_no_step_makes_is_stale(lab: Lab) -> None:
    pipeline(lab)
    (lab.root / "raw.csv").unlink()
    assert stale(lab)["@1"] == ["`raw.csv` is missing, and no step makes it"]


def test_a_missing_file_that_a_step_makes_makes_its_readers_stale(lab: Lab) -> None:
    pipeline(lab)
    (lab.root / "train.csv").unlink()
    assert stale(lab) == {"@2": ["`train.csv`, which @1 makes, is missing"], "@3": ["@2 is stale"]}
    files = {file.path: file.state for file in get_dag(lab.project, check_files=True).files}
    assert files[b"train.csv"] == pb.FILE_STATE_MISSING


def test_what_nobody_reads_is_only_missing(lab: Lab) -> None:
    lab.job("@1", {"raw": "r"}, {"report": "1"})
    (lab.root / "report").unlink()
    assert stale(lab) == {}


@pytest.mark.parametrize("reader", ["@2", "@3"])
def test_what_a_job_removed_itself_is_not_missing(lab: Lab, reader: str) -> None:
    lab.job("@1", {"inbox": "r"}, {"part": "1"}, removes=["inbox"])
    lab.job("@2", {"part": "1"}, {"whole": "1"}, removes=["part"] if reader == "@2" else [])
    if reader == "@3":
        lab.job("@3", {"part": "1"}, {"kept": "1"}, removes=["part"])
    assert stale(lab) == {}


def test_an_update_in_place_is_neither_its_own_parent_nor_stale_by_it(lab: Lab) -> None:
    lab.job("@1", {}, {"log": "1"})
    lab.job("@2", {"log": "1"}, {"log": "12"})
    assert parents(lab) == {"@1": [], "@2": ["@1"]}
    assert stale(lab) == {}
    lab.job("@2", {"log": "12"}, {"log": "123"})
    assert parents(lab) == {"@1": [], "@2": ["@1"]}
    assert stale(lab) == {}


def test_whoever_read_an_older_version_is_not_stale_by_a_later_update_in_place(lab: Lab) -> None:
    lab.job("@1", {}, {"table": "1"})
    lab.job("@2", {"table": "1"}, {"plot": "p"})
    lab.job("@3", {"table": "1"}, {"table": "12"})
    lab.job("@4", {"table": "12"}, {"report": "r"})
    assert stale(lab) == {}
    assert parents(lab) == {"@1": [], "@2": ["@1"], "@3": ["@1"], "@4": ["@3"]}


def test_an_update_in_place_is_stale_when_what_it_updated_is_made_anew(lab: Lab) -> None:
    lab.job("@1", {}, {"table": "1"})
    lab.job("@2", {"table": "1"}, {"table": "12"})
    lab.job("@1", {}, {"table": "9"})
    assert set(stale(lab)) == {"@2"}


def test_another_step_that_makes_the_same_file_makes_its_readers_stale(lab: Lab) -> None:
    lab.job("@1", {}, {"data": "one"})
    lab.job("@2", {"data": "one"}, {"model": "m"})
    lab.job("@3", {}, {"data": "two"})
    assert "written again by @3" in stale(lab)["@2"][0]
    assert parents(lab)["@2"] == ["@1"]


def test_a_file_edited_between_the_steps_keeps_its_edge_and_is_not_stale(lab: Lab) -> None:
    lab.job("@1", {}, {"data": "one"})
    lab.job("@2", {"data": "edited"}, {"model": "m"})
    assert parents(lab)["@2"] == ["@1"]
    assert stale(lab) == {}


def test_a_step_that_ran_before_anybody_made_its_input_has_no_parent(lab: Lab) -> None:
    lab.job("@1", {"params": "hand"}, {"model": "m"})
    lab.job("@2", {"model": "m"}, {"params": "tuned"})
    assert parents(lab) == {"@1": [], "@2": ["@1"]}
    assert set(stale(lab)) == {"@1", "@2"}


def test_steps_that_feed_each_other_in_a_circle_still_make_a_graph(lab: Lab) -> None:
    lab.job("@1", {"state": "0"}, {"model": "m1"})
    lab.job("@2", {"model": "m1"}, {"state": "1"})
    lab.job("@1", {"state": "1"}, {"model": "m2"})
    assert parents(lab) == {"@1": ["@2"], "@2": []}


def test_a_shared_database_updated_by_every_step_makes_nobody_stale(lab: Lab) -> None:
    for turn, step in enumerate(["@1", "@2", "@3", "@1"]):
        lab.job(step, {"runs.db": str(turn)}, {"runs.db": str(turn + 1)})
    assert stale(lab) == {}
    assert parents(lab)["@2"] in (["@1"], [])


def test_a_consumer_recorded_before_its_producer_has_ended_is_still_below_it(lab: Lab) -> None:
    lab.job("@1", {"ckpt": "c"}, {"score": "s"})
    lab.job("@2", {}, {"ckpt": "c", "model": "m"})
    assert parents(lab) == {"@1": ["@2"], "@2": []}


def test_content_without_a_hash_goes_by_the_path(lab: Lab) -> None:
    lab.job("@1", {}, {"data": "one"})
    lab.job("@2", {"data": None}, {"model": "m"})
    assert parents(lab)["@2"] == ["@1"]
    assert stale(lab) == {}
    lab.job("@1", {}, {"data": "two"})
    assert set(stale(lab)) == {"@2"}


def test_a_failed_rerun_without_outputs_keeps_the_edges_of_what_was_made_before(lab: Lab) -> None:
    pipeline(lab)
    lab.job("@1", {"raw.csv": "raw"}, {}, status="failed")
    assert parents(lab)["@2"] == ["@1"]
    assert stale(lab) == {}


def test_files_have_producer_consumers_and_state(lab: Lab) -> None:
    pipeline(lab)
    lab.put("metrics", "98")
    files = {file.path.decode(): file for file in get_dag(lab.project, check_files=True).files}
    assert list(files) == ["metrics", "model", "raw.csv", "test.csv", "train.csv"]
    assert (files["raw.csv"].producer, list(files["raw.csv"].consumers)) == ("", ["@1"])
    assert (files["test.csv"].producer, list(files["test.csv"].consumers)) == ("@1", ["@3"])
    assert files["metrics"].state == pb.FILE_STATE_CHANGED
    assert files["model"].hash == digest(b"model")


def test_without_check_files_nothing_is_looked_at(lab: Lab) -> None:
    pipeline(lab)
    (lab.root / "raw.csv").unlink()
    response = get_dag(lab.project, check_files=False)
    assert {file.state for file in response.files} == {pb.FILE_STATE_UNSPECIFIED}


def test_old_sessions_have_no_part_in_it(lab: Lab) -> None:
    lab.job("@1", {}, {"a": "1"})
    lab.reset()
    lab.job("@1", {"a": "1"}, {"b": "1"})
    assert parents(lab) == {"@1": []}


def test_an_empty_session_is_an_empty_graph(lab: Lab) -> None:
    response = get_dag(lab.project, check_files=True)
    assert (len(response.steps), len(response.files), response.session.active) == (0, 0, True)
