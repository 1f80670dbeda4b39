"""How the files of the session stand on disk."""

from __future__ import annotations

from query_lab import Lab, digest
from roar_proto.v1 import sessions_pb2 as pb

from roard.query.status import project_status


def files(lab: Lab) -> dict[str, tuple[str, str]]:
    """Returns state and step by path."""
    names = pb.FileState.Name
    return {
        file.path.decode(): (names(file.state).removeprefix("FILE_STATE_").lower(), file.step)
        for file in project_status(lab.project).files
    }


def test_files_are_compared_by_content(lab: Lab) -> None:
    lab.job("@1", {"raw": "r"}, {"same": "s", "edited": "e", "gone": "g", "touched": "t"})
    lab.put("edited", "E")
    (lab.root / "gone").unlink()
    lab.put("touched", "t")
    assert files(lab) == {
        "edited": ("changed", "@1"),
        "gone": ("missing", "@1"),
        "raw": ("present", ""),
        "same": ("present", "@1"),
        "touched": ("present", "@1"),
    }


def test_the_newest_record_of_a_path_counts(lab: Lab) -> None:
    lab.job("@1", {}, {"table": "one"})
    lab.job("@1", {}, {"table": "two"})
    assert files(lab) == {"table": ("present", "@1")}
    lab.put("table", "one")
    assert files(lab) == {"table": ("changed", "@1")}


def test_what_a_later_job_found_there_counts_and_the_maker_stays(lab: Lab) -> None:
    lab.job("@1", {}, {"table": "made"})
    lab.job("@2", {"table": "edited by hand"}, {})
    assert files(lab) == {"table": ("present", "@1")}
    assert project_status(lab.project).files[0].hash == digest(b"edited by hand")


def test_an_update_in_place_leaves_what_it_wrote(lab: Lab) -> None:
    lab.job("@1", {"log": "1"}, {"log": "12"})
    assert files(lab) == {"log": ("present", "@1")}


def test_content_without_a_hash_is_unknown_or_missing(lab: Lab) -> None:
    lab.job("@1", {"a": None, "b": None})
    lab.put("a", "whatever")
    assert files(lab) == {"a": ("unknown", ""), "b": ("missing", "")}


def test_code_is_not_listed_but_counts_for_staleness(lab: Lab) -> None:
    lab.job("@1", {"raw": "r"}, {}, code={"x.py": "x"})
    lab.put("x.py", "y")
    response = project_status(lab.project)
    assert list(files(lab)) == ["raw"]
    assert response.steps[0].stale


def test_a_directory_or_a_fifo_in_its_place_is_missing(lab: Lab) -> None:
    lab.job("@1", {"raw": "r"})
    (lab.root / "raw").unlink()
    (lab.root / "raw").mkdir()
    assert files(lab) == {"raw": ("missing", "")}


def test_a_link_put_in_its_place_counts_as_what_it_leads_to(lab: Lab) -> None:
    lab.job("@1", {"raw": "r"})
    (lab.root / "raw").rename(lab.root / "moved")
    (lab.root / "raw").symlink_to("moved")
    assert files(lab) == {"raw": ("present", "")}
