"""Who has a project open, and for how long."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from daemon_kit import wait_for
from sqlalchemy import text

from roard.errors import NoProject, ProjectInUse, ProjectNotWritable
from roard.hashing.pool import HashPool
from roard.project import Project
from roard.project_lock import read_holder
from roard.projects import MOST_OPEN, Projects

HOLDER = """
import sys, time
from roard.project_lock import take
lock = take(sys.argv[1].encode(), time.monotonic())
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_elsewhere(root: bytes) -> Iterator[subprocess.Popen[str]]:
    """Another process has the project open, until the end or until its stdin is closed."""
    words = [sys.executable, "-c", HOLDER, os.fsdecode(os.path.join(root, b".roar"))]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process


def descriptors_of(root: bytes) -> list[str]:
    """Returns what of a project this process has open."""
    found = [os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]
    return [path for path in found if path.startswith(os.fsdecode(root) + "/")]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[Projects]:
    """Projects of which every one is idle at once."""
    monkeypatch.setenv("ROAR_PROJECT_IDLE_S", "0")
    pool = HashPool()
    projects = Projects(pool)
    yield projects
    projects.close()
    pool.close()


@pytest.fixture
def root(impatient: Projects, tmp_path: Path) -> bytes:
    root = bytes(tmp_path.resolve() / "project")
    os.mkdir(root)
    impatient.init(root)
    return root


def test_the_lock_says_who_has_a_project_open(opened: Project) -> None:
    holder = read_holder(os.path.join(opened.root, b".roar"))
    assert holder is not None
    assert holder.pid == os.getpid()
    assert os.stat(os.path.join(opened.root, b".roar", b"lock")).st_mode & 0o777 == 0o600


def test_a_project_that_another_daemon_has_open_is_refused_with_its_name(opened: Project, projects: Projects) -> None:
    projects.close()
    with held_elsewhere(opened.root) as other:
        with pytest.raises(ProjectInUse) as caught:
            projects.open(opened.root, patience_s=0.1)
        assert f"pid {other.pid}" in caught.value.cause
        assert descriptors_of(opened.root) == []


def test_it_is_waited_for_until_the_other_gives_it_back(opened: Project, projects: Projects) -> None:
    projects.close()
    with held_elsewhere(opened.root) as other:
        found: list[Project] = []
        waiting = threading.Thread(target=lambda: found.append(projects.open(opened.root)))
        waiting.start()
        assert other.stdin
        other.stdin.close()
        waiting.join()
    assert found[0].root == opened.root


def test_those_who_wait_for_the_same_project_wait_together(opened: Project, projects: Projects) -> None:
    projects.close()
    refused: list[ProjectInUse] = []

    def ask() -> None:
        with pytest.raises(ProjectInUse) as caught:
            projects.open(opened.root, patience_s=0.5)
        refused.append(caught.value)

    with held_elsewhere(opened.root):
        threads = [threading.Thread(target=ask) for _ in range(60)]
        for thread in threads:
            thread.start()
        # One after the other they would need half a minute.
        wait_for(lambda: len(refused) == 60, "sixty refusals")


def test_a_killed_daemon_holds_nothing(opened: Project, projects: Projects) -> None:
    projects.close()
    with held_elsewhere(opened.root) as other:
        other.kill()
        other.wait()
        assert projects.open(opened.root).root == opened.root


def test_a_lock_file_that_was_removed_is_made_and_taken_anew(opened: Project, projects: Projects) -> None:
    lock = Path(os.fsdecode(opened.root), ".roar", "lock")
    lock.unlink()
    assert projects.open(opened.root) is not opened
    assert lock.exists()


def test_a_lock_that_cannot_be_made_is_said(opened: Project, projects: Projects) -> None:
    projects.close()
    lock = Path(os.fsdecode(opened.root), ".roar", "lock")
    lock.unlink()
    lock.mkdir()
    with pytest.raises(ProjectNotWritable, match="lock"):
        projects.open(opened.root)


def test_a_project_that_nobody_asks_about_is_closed_with_everything_in_its_file(
    impatient: Projects, root: bytes
) -> None:
    project = impatient.open(root)
    with project.store.write() as session:
        session.execute(text("UPDATE sessions SET created_at_ns = 7"))
    impatient.close_idle(())
    assert (impatient.opened(), descriptors_of(root)) == ([], [])
    with impatient.open(root).store.read() as session:
        assert session.scalar(text("SELECT created_at_ns FROM sessions")) == 7


def test_a_project_stays_open_while_a_run_of_it_is_in_flight_or_work_is_under_way(
    impatient: Projects, root: bytes
) -> None:
    project = impatient.open(root)
    impatient.close_idle([root])
    with impatient.use(root):
        impatient.close_idle(())
        assert impatient.opened() == [project]
    impatient.close_idle(())
    assert impatient.opened() == []


def test_a_question_that_outlives_its_open_project_is_answered(impatient: Projects, root: bytes) -> None:
    project = impatient.open(root)
    impatient.close_idle(())
    with project.store.read() as session:
        assert session.scalar(text("SELECT count(*) FROM sessions")) == 1


def test_a_project_that_was_asked_about_lately_stays_open(projects: Projects, opened: Project) -> None:
    projects.close_idle(())
    assert projects.opened() == [opened]


def test_a_project_that_was_removed_is_closed(projects: Projects, opened: Project) -> None:
    os.rename(opened.root, opened.root + b".away")
    projects.close_idle(())
    assert (projects.opened(), descriptors_of(opened.root + b".away")) == ([], [])


def test_of_very_many_projects_the_longest_unasked_are_closed_first(
    projects: Projects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roard.projects.SOON_S", 0.0)
    roots = [bytes(tmp_path.resolve() / f"project{number:02}") for number in range(MOST_OPEN + 3)]
    for root in roots:
        os.mkdir(root)
        projects.init(root)
    projects.open(roots[0])
    projects.close_idle(())
    assert [project.root for project in projects.opened()] == [roots[0], *roots[4:]]


def test_nothing_is_kept_of_questions_about_what_is_no_project(projects: Projects, tmp_path: Path) -> None:
    with pytest.raises(NoProject):
        projects.open(bytes(tmp_path.resolve()))
    assert projects._locks == {}


def test_a_database_can_be_exchanged_while_its_project_is_closed(opened: Project, projects: Projects) -> None:
    with projects.closed(opened.root):
        assert [path for path in descriptors_of(opened.root) if not path.endswith("/lock")] == []
    assert projects.open(opened.root) is not opened
