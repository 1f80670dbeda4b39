"""Which steps are to be run again, in which order, and why."""

from __future__ import annotations

import pytest
from query_lab import Lab

from roard.errors import BadReference, StepNotFound
from roard.query.outdated import outdated_steps


def outdated(lab: Lab, *goals: str) -> dict[str, list[str]]:
    """Returns the reasons by step, in order."""
    return {found.step.step: list(found.reasons) for found in outdated_steps(lab.project, goals).steps}


def pipeline(lab: Lab) -> None:
    """@2 makes what @1 reads, and @3 reads from both."""
    lab.job("@1", {"old": "o"}, {"model": "m0"})
    lab.job("@2", {"raw.csv": "raw"}, {"train.csv": "train"})
    lab.job("@1", {"train.csv": "train"}, {"model": "model"})
    lab.job("@3", {"raw.csv": "raw", "model": "model"}, {"metrics": "97"})


def test_nothing_is_outdated_in_a_fresh_pipeline(lab: Lab) -> None:
    pipeline(lab)
    assert outdated(lab) == {}


def test_each_step_comes_after_those_it_reads_from(lab: Lab) -> None:
    pipeline(lab)
    lab.put("raw.csv", "edited")
    found = outdated(lab)
    assert list(found) == ["@2", "@1", "@3"]
    assert found["@1"] == ["@2 is stale"]
    assert found["@3"][1] == "@1 is stale"


def test_goals_take_what_they_are_made_from_and_nothing_else(lab: Lab) -> None:
    pipeline(lab)
    lab.job("@4", {"raw.csv": "raw"}, {"plot": "p"})
    lab.put("raw.csv", "edited")
    assert list(outdated(lab, "@1")) == ["@2", "@1"]
    assert list(outdated(lab, "@4", "@2")) == ["@2", "@4"]


def test_a_step_that_failed_after_it_had_succeeded_is_outdated_but_not_one_that_never_did(lab: Lab) -> None:
    pipeline(lab)
    lab.job("@3", {"raw.csv": "raw", "model": "model"}, {}, status="failed")
    lab.job("@4", {"raw.csv": "raw"}, {}, status="failed")
    assert outdated(lab) == {"@3": ["its newest job failed"]}
    lab.job("@3", {"raw.csv": "raw", "model": "model"}, {}, status="interrupted")
    assert outdated(lab) == {"@3": ["its newest job was interrupted"]}
    lab.put("raw.csv", "edited")
    assert "@4" in outdated(lab)


def test_what_reads_from_a_step_that_failed_is_outdated_too(lab: Lab) -> None:
    pipeline(lab)
    lab.job("@2", {"raw.csv": "raw"}, {}, status="failed")
    assert outdated(lab) == {
        "@2": ["its newest job failed"],
        "@1": ["@2 is out of date"],
        "@3": ["@1 is out of date"],
    }
    lab.job("@2", {"raw.csv": "raw"}, {"train.csv": "train"})
    assert outdated(lab) == {}


def test_a_missing_file_is_made_anew_for_who_reads_it(lab: Lab) -> None:
    pipeline(lab)
    (lab.root / "model").unlink()
    assert outdated(lab) == {
        "@1": ["`model`, which @3 reads, is missing"],
        "@3": ["`model`, which @1 makes, is missing"],
    }
    (lab.root / "train.csv").unlink()
    assert outdated(lab) == {
        "@2": ["`train.csv`, which @1 reads, is missing"],
        "@1": ["`train.csv`, which @2 makes, is missing"],
        "@3": ["`model`, which @1 makes, is missing", "@1 is stale"],
    }


def test_steps_that_feed_each_other_in_a_circle_are_each_listed_once(lab: Lab) -> None:
    lab.job("@1", {"state": "0"}, {"model": "m1"})
    lab.job("@2", {"model": "m1"}, {"state": "1"})
    lab.job("@1", {"state": "1"}, {"model": "m2"})
    lab.put("state", "edited")
    assert list(outdated(lab)) == ["@2", "@1"]


def test_goals_must_be_steps_that_are_there(lab: Lab) -> None:
    with pytest.raises(StepNotFound) as refused:
        outdated(lab, "@1")
    assert refused.value.cause == "it has no steps yet"
    pipeline(lab)
    lab.job("@B1", {}, {"tool": "t"})
    with pytest.raises(StepNotFound) as refused:
        outdated(lab, "@9")
    assert refused.value.cause == "its steps are @B1, @1 to @3"
    for word in ("raw.csv", "@-1", "@x"):
        with pytest.raises(BadReference):
            outdated(lab, word)
