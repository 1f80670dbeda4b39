"""Labels of sessions, jobs and contents, through the database."""

from __future__ import annotations

import json
from typing import Any

import pytest
from query_lab import Lab
from roar_proto.v1 import labels_pb2 as pb

from roard.errors import ArtifactNotFound, BadRequest, LabelConflict, NoSuchLabel, SessionNotFound, StepNotFound
from roard.labels import copy_labels, get_labels, set_labels, unset_labels
from roard.pop import pop_job, undo_pop
from roard.project import Project
from roard.projects import Projects
from roard.query.resolve import resolve
from roard.upkeep.clean import clean


@pytest.fixture
def lab(opened: Project) -> Lab:
    """A project with two steps."""
    lab = Lab(opened)
    lab.job("@1", {"in": "x"}, {"mid": "y"}, created=True)
    lab.job("@2", {"mid": "y"}, {"out": "z", "odd": None}, created=True)
    return lab


def dag(ref: str = "current") -> pb.LabelTarget:
    return pb.LabelTarget(entity=pb.LABEL_ENTITY_DAG, ref=ref.encode())


def job(ref: str) -> pb.LabelTarget:
    return pb.LabelTarget(entity=pb.LABEL_ENTITY_JOB, ref=ref.encode())


def artifact(ref: str) -> pb.LabelTarget:
    return pb.LabelTarget(entity=pb.LABEL_ENTITY_ARTIFACT, ref=ref.encode())


def now(lab: Lab, target: pb.LabelTarget) -> Any:
    versions = get_labels(lab.project, target).versions
    return json.loads(versions[0].document) if versions else None


def test_every_version_is_kept_and_nothing_is_written_for_no_change(lab: Lab) -> None:
    first = set_labels(lab.project, job("@1"), [b"a=1", b"g.b=x"])
    again = set_labels(lab.project, job("@1"), [b"a=1"])
    assert (first.changed, again.changed, again.current) == (True, False, first.current)
    set_labels(lab.project, job("@1"), [b"a=2"])
    unset_labels(lab.project, job("@1"), [b"g"])
    unset_labels(lab.project, job("@1"), [b"a"])
    history = get_labels(lab.project, job("@1")).versions
    assert [(v.version, v.document) for v in history] == [
        (4, "{}"),
        (3, '{"a":2}'),
        (2, '{"a":2,"g":{"b":"x"}}'),
        (1, '{"a":1,"g":{"b":"x"}}'),
    ]


def test_a_word_that_is_wrong_changes_nothing(lab: Lab) -> None:
    set_labels(lab.project, job("@1"), [b"a=1"])
    with pytest.raises(LabelConflict):
        set_labels(lab.project, job("@1"), [b"b=1", b"a.c=1"])
    with pytest.raises(NoSuchLabel):
        unset_labels(lab.project, job("@1"), [b"a", b"z"])
    with pytest.raises(NoSuchLabel):
        copy_labels(lab.project, job("@2"), job("@1"))
    for empty in (set_labels, unset_labels):
        with pytest.raises(BadRequest):
            empty(lab.project, job("@1"), [])
    assert now(lab, job("@1")) == {"a": 1}


def test_labels_are_copied_over_others(lab: Lab) -> None:
    set_labels(lab.project, job("@1"), [b"a=1", b"g.b=1"])
    set_labels(lab.project, artifact("out"), [b"a=0", b"g.c=1"])
    assert copy_labels(lab.project, job("@1"), artifact("out")).changed
    assert not copy_labels(lab.project, job("@1"), artifact("out")).changed
    assert now(lab, artifact("out")) == {"a": 1, "g": {"b": 1, "c": 1}}


def test_a_content_has_its_labels_wherever_it_is_and_another_content_of_the_file_has_none(lab: Lab) -> None:
    found = set_labels(lab.project, artifact("out"), [b"good=true"]).labelled.id
    assert now(lab, artifact(found[:12])) == {"good": True}
    lab.job("@3", {"out": "z"}, {"copy": "z"}, created=True)
    assert now(lab, artifact("copy")) == {"good": True}
    lab.job("@2", {"mid": "y"}, {"out": "new"})
    assert now(lab, artifact("out")) is None


def test_a_session_is_labelled_by_its_hash_or_as_the_current_one(lab: Lab) -> None:
    set_labels(lab.project, dag(), [b"a=1"])
    old = lab.session_hashes()[0]
    lab.reset()
    assert (now(lab, dag()), now(lab, dag(old[:8]))) == (None, {"a": 1})
    assert get_labels(lab.project, dag(old[:8])).labelled.id == old


@pytest.mark.parametrize(
    ("target", "error"),
    [
        (job("@9"), StepNotFound),
        (dag("ffffffff"), SessionNotFound),
        (artifact("nowhere"), ArtifactNotFound),
        (artifact("odd"), ArtifactNotFound),
        (artifact("a\0b"), BadRequest),
        (pb.LabelTarget(ref=b"@1"), BadRequest),
    ],
)
def test_what_is_not_there_cannot_be_labelled(lab: Lab, target: pb.LabelTarget, error: type[Exception]) -> None:
    with pytest.raises(error):
        set_labels(lab.project, target, [b"a=1"])


@pytest.mark.parametrize(("ref", "target"), [("@1", job("@1")), ("out", artifact("out")), ("", dag())])
def test_labels_are_shown_with_what_they_stand_on(lab: Lab, ref: str, target: pb.LabelTarget) -> None:
    kind = 0 if ref else 2
    request = lab.resolve_request(ref, kind)  # type: ignore[arg-type]
    assert resolve(lab.project, request).labels == ""
    set_labels(lab.project, target, [b"a=1"])
    assert resolve(lab.project, request).labels == '{"a":1}'
    unset_labels(lab.project, target, [b"a"])
    assert resolve(lab.project, request).labels == ""


def test_labels_go_and_come_back_with_their_job_and_keep_their_content(lab: Lab, projects: Projects) -> None:
    set_labels(lab.project, job("@2"), [b"a=1"])
    set_labels(lab.project, job("@2"), [b"a=2"])
    found = set_labels(lab.project, artifact("out"), [b"good=true"]).labelled.id
    pop_job(projects, lab.project.root, "", dry_run=False)
    clean(projects, lab.project.root, dry_run=False, quarantined=False)
    assert now(lab, artifact(found)) == {"good": True}
    undo_pop(projects, lab.project.root, "", dry_run=False)
    assert [v.version for v in get_labels(lab.project, job("@2")).versions] == [2, 1]
    pop_job(projects, lab.project.root, "", dry_run=False)
    clean(projects, lab.project.root, dry_run=False, quarantined=False, empty_trash=True)
    assert now(lab, artifact(found)) == {"good": True}, "what somebody labelled is no garbage"
