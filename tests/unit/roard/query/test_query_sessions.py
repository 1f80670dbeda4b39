"""All sessions of a project, and which of them is the active one."""

from __future__ import annotations

import pytest
from query_lab import Lab
from roar_proto.v1 import jobs_pb2
from roar_proto.v1 import sessions_pb2 as pb
from sqlalchemy import delete

from roard.db.tables import WarningRow
from roard.errors import BadReference, SessionNotFound
from roard.query.jobs import list_jobs
from roard.query.sessions import get_session, list_sessions
from roard.reset import use_session


def listed(lab: Lab) -> list[tuple[int, bool, int, int, int]]:
    sessions = list_sessions(lab.project).sessions
    return [(found.number, found.active, found.run_steps, found.build_steps, found.jobs) for found in sessions]


def two_sessions(lab: Lab) -> None:
    lab.job("@1", {}, {"a": "1"})
    lab.job("@1", {}, {"a": "2"})
    lab.job("@B1", {}, {"tool": "t"})
    lab.reset()
    lab.job("@1", {}, {"b": "1"})


def test_sessions_are_listed_newest_first_and_as_each_is_shown(lab: Lab) -> None:
    two_sessions(lab)
    assert listed(lab) == [(2, True, 1, 0, 1), (1, False, 1, 1, 3)]
    for session in list_sessions(lab.project).sessions:
        assert get_session(lab.project, session.hash).session == session


def test_the_jobs_of_a_session_are_those_of_the_log_oldest_first_and_in_short(lab: Lab) -> None:
    two_sessions(lab)
    lab.job("@B1", {"b": "1"}, {}, status="failed")
    expected = list_jobs(lab.project, jobs_pb2.ListJobsRequest()).jobs
    assert [job.complete for job in expected] == [False, False]
    for job in expected:
        for field in ("git", "run_id", "session_hash", "hostname", "user", "roar_version"):
            assert getattr(job, field)
            job.ClearField(field)
    assert list(get_session(lab.project, "").jobs) == expected[::-1]
    whole = jobs_pb2.ListJobsRequest(all_sessions=True)
    with lab.project.store.write() as session:
        session.execute(delete(WarningRow))
    assert [job.complete for job in list_jobs(lab.project, whole).jobs] == [True] * 5
    assert [job.complete for job in get_session(lab.project, "").jobs] == [True] * 2


def test_an_old_session_becomes_the_active_one_and_takes_new_jobs(lab: Lab) -> None:
    two_sessions(lab)
    newer, older = lab.session_hashes()[1], lab.session_hashes()[0]
    answer = use_session(lab.project, older[:8])
    assert (answer.closed.hash, answer.closed.active, answer.opened.hash, answer.opened.active) == (
        newer,
        False,
        older,
        True,
    )
    lab.job("@2", {}, {"c": "1"})
    assert listed(lab) == [(2, False, 1, 0, 1), (1, True, 2, 1, 4)]


def test_using_the_active_session_changes_nothing(lab: Lab) -> None:
    two_sessions(lab)
    before = list_sessions(lab.project)
    answer = use_session(lab.project, lab.session_hashes()[1])
    assert answer == pb.UseSessionResponse(closed=before.sessions[0], opened=before.sessions[0])
    assert list_sessions(lab.project) == before


def test_a_session_that_is_not_there_leaves_the_active_one(lab: Lab) -> None:
    two_sessions(lab)
    for word, error in (("ffffffff", SessionNotFound), ("@1", SessionNotFound), ("@x", BadReference)):
        with pytest.raises(error):
            use_session(lab.project, word)
    assert listed(lab)[0][1]
