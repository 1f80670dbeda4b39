"""Taking jobs out and bringing them back: what goes, what stays, what blocks the way back."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pygit2
import pytest
from daemon_kit import Run, git, read_of, write_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from query_lab import Lab
from roar_proto.v1 import jobs_pb2 as pb

from roard.db.checks import wrong_session_hashes
from roard.db.tables import Base
from roard.errors import NothingToPop, NothingToUndo, NotNewest, RunPopped, UndoBlocked
from roard.hashing.digest import Progress
from roard.hashing.pool import HashPool
from roard.pop import list_popped, pop_job, undo_pop
from roard.project import Project
from roard.projects import Projects
from roard.record import record_job
from roard.supervision.ingest import ingest
from roard.trace.rundir import RunDir
from roard.upkeep.clean import clean

POPPED = ("popped", "popped_files", "popped_artifacts")
Content = dict[str, bytes]


@dataclass
class Popper:
    """A project, its jobs, and the two commands."""

    projects: Projects
    lab: Lab

    @property
    def root(self) -> Path:
        return self.lab.root

    def pop(self, uid: str = "", *, dry_run: bool = False) -> pb.PopJobResponse:
        return pop_job(self.projects, self.lab.project.root, uid, dry_run=dry_run)

    def undo(self, uid: str = "", *, dry_run: bool = False) -> pb.UndoPopResponse:
        return undo_pop(self.projects, self.lab.project.root, uid, dry_run=dry_run)

    def kept(self) -> dict[str, str]:
        """Pops, and returns why each output that stays does."""
        return {os.fsdecode(file.path): file.kept for file in self.pop().files if file.kept}

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Returns the content of the database but for what was popped."""
        with contextlib.closing(sqlite3.connect(self.lab.project.store.path)) as connection:
            assert wrong_session_hashes(connection, 5) == []
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
            tables = [table.name for table in Base.metadata.sorted_tables if table.name not in POPPED]
            return {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in tables}

    def files(self) -> Content:
        """Returns the files of the project by path, but for those of roar and git."""
        found = (path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink())
        named = {str(path.relative_to(self.root)): path for path in found}
        return {name: path.read_bytes() for name, path in named.items() if not name.startswith((".roar/", ".git/"))}

    def trash(self) -> set[str]:
        """Returns the names in the trash, without that of their job's directory."""
        top = self.root / ".roar/trash"
        return {"/".join(path.relative_to(top).parts[1:]) for path in top.rglob("*") if path.is_file()}


@pytest.fixture
def popper(projects: Projects, opened: Project) -> Popper:
    """An empty project outside git."""
    return Popper(projects, Lab(opened))


@pytest.fixture
def popper_in_git(projects: Projects, opened_in_git: Project) -> Popper:
    """An empty project in git: `params.yaml` is tracked, `data/` is ignored."""
    return Popper(projects, Lab(opened_in_git))


def test_a_popped_job_leaves_no_trace_and_comes_back_as_it_was(popper: Popper) -> None:
    popper.lab.job("@1", {"in": "x"}, {"mid": "y"}, created=True)
    before = popper.rows(), popper.files()
    dropped = {"/etc/passwd": "system"}
    popper.lab.job("@2", {"mid": "y"}, {"out": "z", "deep/er": None}, code={"a.py": "c"}, dropped=dropped, created=True)
    after = popper.rows(), popper.files()
    answer = popper.pop()
    artifacts = popper.rows()["artifacts"]
    assert {**popper.rows(), "artifacts": before[0]["artifacts"]} == before[0]
    assert popper.files() == {**before[1], "a.py": b"c"}
    assert answer.session_hash == popper.lab.session_hashes()[0]
    assert artifacts == after[0]["artifacts"], "they stay as long as the job can come back"
    assert popper.undo().session_hash == popper.lab.session_hashes()[0]
    assert (popper.rows(), popper.files(), popper.trash()) == (*after, set())


def test_all_that_hangs_on_a_job_hangs_on_it_directly() -> None:
    # popped.py looks no further: a row that names a row that names a job would be left behind, or block.
    parts = {t.name for t in Base.metadata.sorted_tables for k in t.foreign_keys if k.column.table.name == "jobs"}
    assert {"inputs", "outputs", "dropped", "processes", "warnings"} <= parts
    named = {k.column.table.name for table in Base.metadata.sorted_tables for k in table.foreign_keys}
    assert not parts & named


def test_the_newest_job_goes_not_the_last_step(popper: Popper) -> None:
    popper.lab.job("@1", {}, {"a": "1"}, created=True)
    second = popper.lab.job("@2", {}, {"b": "1"}, created=True)
    again = popper.lab.job("@1", {}, {"a": "2"})
    assert (popper.pop().job.uid, popper.files()) == (again, {"a": b"2", "b": b"1"})
    assert popper.pop().job.uid == second
    assert [popper.undo().job.uid, popper.undo().job.uid] == [second, again]
    with pytest.raises(NothingToUndo):
        popper.undo()


def test_only_the_active_session_is_popped(popper: Popper) -> None:
    popper.lab.job("@1", {}, {"a": "1"}, created=True)
    popper.lab.reset()
    with pytest.raises(NothingToPop):
        popper.pop()


def test_a_job_comes_back_to_its_session_when_that_is_closed(popper: Popper) -> None:
    popper.lab.job("@1", {}, {"a": "1"}, created=True)
    popper.lab.job("@2", {}, {"b": "1"}, created=True)
    before = popper.lab.session_hashes()
    popper.pop()
    popper.lab.reset()
    popper.undo()
    assert popper.lab.session_hashes()[0] == before[0]


def test_a_dry_run_changes_nothing(popper: Popper) -> None:
    popper.lab.job("@1", {}, {"a": "1"}, created=True)
    before = popper.rows(), popper.files()
    assert [file.kept for file in popper.pop(dry_run=True).files] == [""]
    assert (popper.rows(), popper.files()) == before
    popper.pop()
    between = popper.rows(), popper.files()
    assert popper.undo(dry_run=True).files[0].path == b"a"
    assert (popper.rows(), popper.files()) == between


def test_numbers_of_popped_jobs_are_not_given_again(popper: Popper) -> None:
    first = popper.lab.job("@1", {}, {"a": "1"}, created=True)
    number = popper.pop().job.sequence
    popper.lab.job("@B1", {}, {"b": "1"}, created=True)
    popper.undo(first)
    assert [row[0] for row in popper.rows()["jobs"]] == [number, number + 1]


def _edit(root: Path) -> None:
    (root / "out").write_text("edited")


def _same_size(root: Path) -> None:
    (root / "out").write_text("v1".swapcase())


def _to_link(root: Path) -> None:
    (root / "out").rename(root / "elsewhere")
    (root / "out").symlink_to("elsewhere")


def _to_directory(root: Path) -> None:
    (root / "out").unlink()
    (root / "out").mkdir()


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (_edit, "changed"),
        (_same_size, "changed"),
        (_to_link, "changed"),
        (_to_directory, "changed"),
        (lambda root: (root / "out").unlink(), "gone"),
    ],
)
def test_what_has_changed_since_stays(popper: Popper, after: Callable[[Path], None], why: str) -> None:
    popper.lab.job("@1", {}, {"out": "v1"}, created=True)
    after(popper.root)
    before = popper.files()
    assert popper.kept() == {"out": why}
    assert (popper.files(), popper.trash()) == (before, set())


def test_what_another_job_made_or_used_stays(popper: Popper) -> None:
    popper.lab.job("@1", {}, {"made": "1"}, created=True)
    user = popper.lab.job("@2", {"used": "1"}, {})
    popper.lab.reset()
    popper.lab.job("@1", {}, {"made": "2", "used": "2", "own": "2"}, created=True)
    answer = popper.pop()
    assert {file.path: file.kept for file in answer.files} == {b"made": "shared", b"used": "shared", b"own": ""}
    assert answer.files[2].detail == user


def test_what_was_there_before_the_job_or_has_no_hash_stays(popper: Popper) -> None:
    popper.lab.job("@1", {}, {"notes": "1"}, created=False)
    assert popper.kept() == {"notes": "existed"}
    popper.lab.put("odd", "1234567")
    popper.lab.job("@1", {}, {"odd": None}, created=True)
    assert popper.kept() == {"odd": "unhashed"}


def test_what_git_tracks_stays(popper_in_git: Popper) -> None:
    popper = popper_in_git
    popper.lab.job("@1", {}, {"params.yaml": "lr: 1\n", "staged": "1", "data/x": "1", "new": "1"}, created=True)
    git(popper.root, "add", "staged")
    assert popper.kept() == {"params.yaml": "tracked", "staged": "tracked"}
    assert popper.trash() == {"data/x", "new"}


def test_nothing_goes_while_git_cannot_say_what_it_tracks(popper_in_git: Popper) -> None:
    popper_in_git.lab.job("@1", {}, {"new": "1"}, created=True)
    (popper_in_git.root / ".git/index").write_bytes(b"garbage, longer than a header of an index")
    assert popper_in_git.kept() == {"new": "git-unreadable"}


def test_what_is_outside_or_of_another_project_stays(popper: Popper, tmp_path: Path) -> None:
    (popper.root / "other/.git").mkdir(parents=True)
    (popper.root / "third/.roar").mkdir(parents=True)
    outside = tmp_path.resolve() / "outside"
    outside.write_text("1")
    paths = ("other/deep/x", "third/x")
    popper.lab.job("@1", {}, dict.fromkeys([*paths, str(outside)], "1"), created=True)
    assert popper.kept() == {"other/deep/x": "nested", "third/x": "nested", str(outside): "outside"}
    assert outside.read_text() == "1"


def test_a_directory_that_has_become_a_link_is_not_followed(popper: Popper) -> None:
    popper.lab.job("@1", {}, {"dir/out": "1"}, created=True)
    (popper.root / "dir").rename(popper.root / "moved")
    (popper.root / "dir").symlink_to("moved")
    assert popper.kept() == {"dir/out": "changed"}
    assert (popper.root / "moved/out").read_text() == "1"


def test_a_file_that_cannot_be_moved_stays_and_the_reason_is_told(popper: Popper) -> None:
    popper.lab.job("@1", {}, {"out": "1"}, created=True)
    (popper.root / ".roar/trash").write_text("in the way")
    (file,) = popper.pop().files
    assert (file.kept, file.detail, popper.files()["out"]) == ("not-moved", "Not a directory", b"1")
    assert popper.undo().files[0].lost is False


def _there_again(root: Path) -> None:
    (root / "dir/out").write_text("mine")


def _directory_is_a_file(root: Path) -> None:
    (root / "dir").rmdir()
    (root / "dir").write_text("mine")


def _directory_is_a_link(root: Path) -> None:
    (root / "dir").rmdir()
    (root / "target").mkdir()
    (root / "dir").symlink_to("target")


@pytest.mark.parametrize("change", [_there_again, _directory_is_a_file, _directory_is_a_link])
def test_nothing_comes_back_over_something_else(popper: Popper, change: Callable[[Path], None]) -> None:
    popper.lab.job("@1", {}, {"a": "1", "dir/out": "1"}, created=True)
    popper.pop()
    change(popper.root)
    before = popper.rows(), popper.files()
    with pytest.raises(UndoBlocked) as caught:
        popper.undo()
    assert (popper.rows(), popper.files(), popper.trash()) == (*before, {"a", "dir/out"})
    assert "dir/out" in caught.value.cause


def test_a_step_that_is_another_one_now_keeps_a_job_from_coming_back(popper: Popper) -> None:
    popper.lab.job("@1", {}, {"a": "1"}, created=True)
    popper.pop()
    (popper.root / "fresh").write_text("x")
    run = Run(popper.root, argv=[b"make", b"fresh"]).seal([], [write_of(popper.root / "fresh")])
    record_job(popper.lab.project, RunDir(bytes(run.path)), Progress())
    with pytest.raises(UndoBlocked, match="cannot be brought back"):
        popper.undo()
    popper.pop()
    assert [popper.undo().job.step, popper.trash()] == ["@1", {"a"}]
    # The last one first: what was popped before it must wait, and says for what.
    with pytest.raises(UndoBlocked):
        popper.undo()


def test_the_same_command_run_again_lets_the_popped_job_come_back_before_it(popper: Popper) -> None:
    first = popper.lab.job("@1", {}, {"a": "1"}, created=True)
    popper.pop()
    second = popper.lab.job("@1", {}, {"b": "1"}, created=True)
    popper.undo()
    assert [row[1] for row in popper.rows()["jobs"]] == [first, second]
    assert len(popper.rows()["steps"]) == 1


def test_a_directory_that_is_gone_is_made_again(popper: Popper) -> None:
    popper.lab.job("@1", {}, {"deep/er/out": "1"}, created=True)
    popper.pop()
    shutil.rmtree(popper.root / "deep")
    popper.undo()
    assert popper.files() == {"deep/er/out": b"1"}


def test_a_job_comes_back_without_what_somebody_took_from_the_trash(popper: Popper) -> None:
    popper.lab.job("@1", {}, {"a": "1", "b": "2"}, created=True)
    popper.pop()
    next((popper.root / ".roar/trash").glob("*/a")).unlink()
    assert {file.path: file.lost for file in popper.undo().files} == {b"a": True, b"b": False}
    assert popper.files() == {"b": b"2"}


def test_asking_again_for_the_same_job_never_takes_another(popper: Popper) -> None:
    first = popper.lab.job("@1", {}, {"a": "1"}, created=True)
    second = popper.lab.job("@2", {}, {"b": "1"}, created=True)
    assert popper.pop(second).job.uid == popper.pop(second).job.uid == second
    assert popper.files() == {"a": b"1"}
    with pytest.raises(NotNewest):
        popper.pop("00000000")
    assert popper.undo(second).job.uid == popper.undo(second).job.uid == second
    with pytest.raises(NotNewest):
        popper.undo("00000000")
    assert popper.pop(second).job.uid == second
    with pytest.raises(NotNewest):
        popper.pop(popper.lab.job("@3") + "x")
    assert first in {row[1] for row in popper.rows()["jobs"]}


def test_the_run_of_a_popped_job_is_not_recorded_again(popper: Popper) -> None:
    (popper.root / "in").write_text("x")
    run = Run(popper.root, argv=[b"cat"]).seal([read_of(popper.root / "in")], [])
    kept = popper.root.parent / "kept"
    shutil.copytree(run.path, kept)
    record_job(popper.lab.project, RunDir(bytes(run.path)), Progress())
    popper.pop()
    shutil.copytree(kept, run.path)
    for _ in range(2):
        with pytest.raises(RunPopped):
            ingest(popper.projects, popper.lab.project.root, RunDir(bytes(run.path)), Progress())
    assert (popper.rows()["jobs"], run.path.exists()) == ([], False)


def test_gc_counts_the_trash_and_empties_it_only_when_told(popper: Popper) -> None:
    popper.lab.job("@1", {}, {"a": "123"}, created=True)
    popper.pop()
    found = clean(popper.projects, popper.lab.project.root, dry_run=False, quarantined=False)
    assert (found.popped_jobs, found.trash_size, found.trash_emptied, found.artifacts) == (1, 3, False, 0)
    popper.undo()
    popper.pop()
    emptied = clean(popper.projects, popper.lab.project.root, dry_run=False, quarantined=False, empty_trash=True)
    assert (emptied.popped_jobs, emptied.trash_size, emptied.trash_emptied) == (1, 3, True)
    assert (popper.trash(), len(list_popped(popper.lab.project).popped)) == (set(), 0)
    with pytest.raises(NothingToUndo):
        popper.undo()


def test_the_trash_keeps_what_a_restored_database_does_not_know_and_is_nowhere_else(popper: Popper) -> None:
    orphan = popper.root / ".roar/trash/20260101T000000-abcdabcd/deep/out"
    orphan.parent.mkdir(parents=True)
    orphan.write_text("nowhere else")
    popper.lab.job("@1", {}, {"a": "1"}, created=True)
    popper.pop()
    popper.undo()
    assert orphan.read_text() == "nowhere else"
    root = popper.lab.project.root
    assert clean(popper.projects, root, dry_run=False, quarantined=False).trash_size == len("nowhere else")


def test_the_list_tells_what_is_where(popper: Popper) -> None:
    popper.lab.job("@1", {}, {"a": "1"}, created=True)
    second = popper.lab.job("@2", {}, {"b": "12", "c": "345"}, created=True)
    popper.pop()
    popper.pop()
    _, job = list_popped(popper.lab.project).popped
    assert (job.uid, job.step, job.command, job.files, job.size) == (second, "@2", "python step2.py", 2, 5)
    assert (Path(os.fsdecode(job.trash)) / "c").read_text() == "345"


NAMES = ("a", "b", "d/c")
used = st.lists(st.sampled_from(NAMES), unique=True)
a_job = st.tuples(used, used, st.booleans(), st.booleans())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(jobs=st.lists(a_job, min_size=1, max_size=4), tracked=used, edited=used, removed=used, pops=st.integers(1, 4))
def test_only_what_is_the_jobs_own_is_ever_moved_and_all_of_it_comes_back(
    jobs: list[tuple[list[str], list[str], bool, bool]],
    tracked: list[str],
    edited: list[str],
    removed: list[str],
    pops: int,
) -> None:
    with _project_in_git() as popper:
        for number, (reads, writes, created, reset) in enumerate(jobs, 1):
            if reset:
                popper.lab.reset()
            content = {name: f"{number} {name}" for name in writes}
            there = {name: (popper.root / name).read_text() for name in reads if (popper.root / name).exists()}
            popper.lab.job(f"@{number}", there, content, created=created)
        for name in edited:
            popper.lab.put(name, f"edited {name}")
        index = pygit2.Repository(str(popper.root)).index
        for name in set(tracked) & set(popper.files()):
            index.add(name)
        index.write()
        for name in removed:
            (popper.root / name).unlink(missing_ok=True)
        before = popper.rows(), popper.files()
        popped = 0
        for _ in range(pops):
            files, rows = popper.files(), popper.rows()
            try:
                uid = popper.pop().job.uid
            except NothingToPop:
                break
            popped += 1
            left = popper.files()
            assert left.items() <= files.items(), "a file that stays is as it was"
            job = int(next(row[0] for row in rows["jobs"] if row[1] == uid))
            others = {row[1] for table in ("inputs", "outputs") for row in rows[table] if row[0] != job}
            own = {os.fsdecode(row[1]) for row in rows["outputs"] if row[0] == job}
            made = {name for name in own if jobs[job - 1][2]}
            unchanged = {name for name in own if files.get(name) == f"{job} {name}".encode()}
            must = {n for n in made & unchanged if os.fsencode(n) not in others and n not in index}
            assert set(files) - set(left) == must
        for _ in range(popped):
            popper.undo()
        assert (popper.rows(), popper.files(), popper.trash()) == (*before, set())


@contextlib.contextmanager
def _project_in_git() -> Iterator[Popper]:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch).resolve() / "project"
        root.mkdir()
        pygit2.init_repository(str(root))
        pool = HashPool()
        projects = Projects(pool)
        projects.init(bytes(root))
        try:
            yield Popper(projects, Lab(projects.open(bytes(root))))
        finally:
            projects.close()
            pool.close()
