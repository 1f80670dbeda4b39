"""Answers from memory: whatever happened since, they are those that a look at the rows gives."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from query_lab import Lab, counted
from sqlalchemy import select

from roard.db.hash_cache import HashCache
from roard.db.store import MOST_RECALLED, Store
from roard.db.tables import JobRow
from roard.errors import RoarError
from roard.hashing.pool import HashPool
from roard.pop import pop_job, undo_pop
from roard.projects import Projects
from roard.query.dag import get_dag
from roard.query.status import project_status
from roard.reset import use_session

FILES = st.sampled_from(["a", "b"])
CONTENTS = st.sampled_from(["1", "22", "3"])
USES = st.dictionaries(FILES, CONTENTS, max_size=2)
EVENTS = st.one_of(
    st.tuples(st.just("job"), st.integers(1, 3), USES, USES),
    st.tuples(st.just("edit"), FILES, CONTENTS),
    st.tuples(st.just("remove"), FILES),
    st.tuples(st.just("use"), st.integers(0, 3)),
    st.tuples(st.sampled_from(["pop", "undo", "reset"])),
)


def happen(projects: Projects, lab: Lab, event: tuple[object, ...]) -> None:
    """Lets something happen; what is refused, as popping when there is nothing, is left."""
    root = lab.project.root
    with contextlib.suppress(RoarError, FileNotFoundError):
        match event:
            case ("job", int(step), dict(reads), dict(writes)):
                lab.job(f"@{step}", reads, writes)
            case ("edit", str(path), str(content)):
                lab.put(path, content)
            case ("remove", str(path)):
                os.unlink(lab.root / path)
            case ("use", int(place)):
                hashes = lab.session_hashes()
                use_session(lab.project, hashes[place % len(hashes)])
            case ("pop",):
                pop_job(projects, root, "", dry_run=False)
            case ("undo",):
                undo_pop(projects, root, "", dry_run=False)
            case ("reset",):
                lab.reset()


def check_answers(lab: Lab) -> None:
    """Asks twice: the second time nothing has changed, and memory answers."""
    store, cache = Store(lab.project.store.path), HashCache(bytes(lab.root / ".roar/cache.db"))
    forgetful = replace(lab.project, store=store, cache=cache)
    status, dag = project_status(forgetful), get_dag(forgetful, check_files=True)
    for _ in range(2):
        assert project_status(lab.project) == status
        assert get_dag(lab.project, check_files=True) == dag
    for session_hash in lab.session_hashes():
        with contextlib.suppress(RoarError):  # two empty sessions have the same hash
            old = get_dag(forgetful, check_files=False, ref=session_hash)
            assert get_dag(lab.project, check_files=False, ref=session_hash) == old
    store.close()
    cache.close()


@settings(max_examples=30, deadline=None)
@given(st.lists(EVENTS, max_size=10))
def test_what_is_recalled_is_what_the_rows_and_the_disk_say(events: list[tuple[object, ...]]) -> None:
    pool = HashPool()
    projects = Projects(pool)
    with tempfile.TemporaryDirectory() as folder:
        root = bytes(Path(folder).resolve())
        projects.init(root)
        lab = Lab(projects.open(root))
        lab.job("@1", {"a": "1"}, {"b": "22"})
        check_answers(lab)
        for event in events:
            happen(projects, lab, event)
            check_answers(lab)
        projects.close()
    pool.close()


def test_nothing_is_asked_of_the_database_until_something_is_recorded(lab: Lab) -> None:
    asked: tuple[Callable[[], object], ...] = (
        lambda: project_status(lab.project),
        lambda: get_dag(lab.project, check_files=True),
    )
    lab.job("@1", {}, {"a": "1"})
    for ask in asked:
        ask()
    with counted() as seen:
        for ask in asked:
            ask()
    assert seen == []
    lab.job("@2", {"a": "1"}, {"b": "1"})
    with counted() as seen:
        for ask in asked:
            ask()
    assert seen


def test_an_answer_that_is_older_than_a_write_under_way_is_not_kept_beyond_it(lab: Lab) -> None:
    store = lab.project.store
    uids = select(JobRow.uid)
    with store.write() as session:
        session.execute(select(JobRow)).all()
        assert store.recall("jobs", lambda reading: list(reading.scalars(uids))) == []
    uid = lab.job("@1", {}, {"a": "1"})
    assert store.recall("jobs", lambda reading: list(reading.scalars(uids))) == [uid]


def test_few_answers_are_kept(lab: Lab) -> None:
    store = lab.project.store
    for number in range(MOST_RECALLED + 2):
        store.recall(number, lambda _: object())
    loaded = [store.recall(number, lambda _: "anew") == "anew" for number in (0, 1, MOST_RECALLED + 1)]
    assert loaded == [True, True, False]
