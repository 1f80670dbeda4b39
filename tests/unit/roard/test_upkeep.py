"""Looking at a database, checking, copying, cleaning it, going back to a copy: sound, damaged, of a newer roar."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from daemon_kit import Run, read_of, write_of
from roar_proto.v1 import database_pb2 as pb
from sqlalchemy import text

from roard.content import contents_now
from roard.db import migrate
from roard.errors import (
    BackupExists,
    BackupNotWritten,
    BackupUnusable,
    DatabaseBroken,
    DatabaseTooNew,
    NoBackup,
    NoProject,
)
from roard.hashing.digest import Progress
from roard.project import Project
from roard.projects import Projects
from roard.record import record_job
from roard.trace.rundir import RunDir
from roard.upkeep import clean as clean_module
from roard.upkeep.backup import back_up
from roard.upkeep.check import check_database
from roard.upkeep.clean import BACKUPS_KEPT, clean
from roard.upkeep.info import database_info
from roard.upkeep.restore import restore


def record(project: Project, name: str) -> None:
    """Records a job that read `in` and wrote a file."""
    root = Path(os.fsdecode(project.root))
    if not (root / "in").exists():
        (root / "in").write_text("in")
    (root / name).write_text(f"content of {name}")
    run = Run(root, argv=[b"make", os.fsencode(name)]).seal([read_of(root / "in")], [write_of(root / name)])
    record_job(project, RunDir(bytes(run.path)), Progress())


@pytest.fixture
def two_jobs(opened: Project) -> Project:
    """A project with two jobs."""
    record(opened, "one")
    record(opened, "two")
    return opened


def jobs_in(path: bytes) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (number,) = connection.execute("SELECT count(*) FROM jobs").fetchone()
        return int(number)


def wreck(project: Project, projects: Projects) -> bytes:
    """Overwrites the beginning of a database and returns its content before that."""
    projects.close()
    whole = Path(os.fsdecode(project.store.path)).read_bytes()
    with open(project.store.path, "r+b") as file:
        file.write(b"\0" * 4096)
    return whole


def make_newer(project: Project, projects: Projects) -> None:
    projects.close()
    with closing(sqlite3.connect(project.store.path, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


def problems(projects: Projects, root: bytes) -> dict[str, list[str]]:
    """Returns what a check finds, by its name."""
    return {check.name: list(check.problems) for check in check_database(projects, root).checks if check.problems}


def everything_under(root: bytes) -> dict[str, bytes]:
    """Returns all files but SQLite's notes of who reads."""
    found = [path for path in Path(os.fsdecode(root)).rglob("*") if path.is_file() and path.suffix != ".db-shm"]
    return {str(path): path.read_bytes() for path in found}


# info


def test_info_counts_what_is_there(two_jobs: Project, projects: Projects) -> None:
    back_up(two_jobs.root, b"", force=False)
    info = database_info(projects, two_jobs.root)
    assert (info.counts.jobs, info.counts.steps, info.counts.sessions) == (2, 2, 1)
    assert (info.counts.artifacts, info.counts.inputs, info.counts.outputs) == (3, 2, 2)
    assert (info.schema, info.newest_schema) == (migrate.revisions()[-1],) * 2
    assert (info.cache_entries, info.runs_waiting, len(info.backups)) == (3, 0, 1)
    assert info.size == os.path.getsize(two_jobs.store.path)
    assert (info.holder.pid, info.holder.is_self, info.HasField("problem")) == (os.getpid(), True, False)


def test_info_of_a_damaged_database_says_why_and_what_lies_beside_it(two_jobs: Project, projects: Projects) -> None:
    back_up(two_jobs.root, b"", force=False)
    wreck(two_jobs, projects)
    info = database_info(projects, two_jobs.root)
    assert (info.problem.reason, info.HasField("counts"), info.HasField("holder")) == ("database-broken", False, False)
    assert "roar db restore" in info.problem.hint
    assert (info.cache_entries, len(info.backups)) == (3, 1)


def test_info_of_a_newer_database_still_counts(two_jobs: Project, projects: Projects) -> None:
    make_newer(two_jobs, projects)
    info = database_info(projects, two_jobs.root)
    assert (info.problem.reason, info.schema, info.counts.jobs) == ("database-too-new", "9999", 2)


def test_what_is_no_project_has_no_info(tmp_path: Path, projects: Projects) -> None:
    with pytest.raises(NoProject):
        database_info(projects, bytes(tmp_path.resolve()))


# check


def test_a_sound_database_passes_every_check(two_jobs: Project, projects: Projects) -> None:
    with two_jobs.store.write() as session:
        digests = "(1, 'md5', zeroblob(16)), (2, 'md5', zeroblob(16)), (1, 'sha256', zeroblob(32))"
        session.execute(text(f"INSERT INTO artifact_digests VALUES {digests}"))
    assert problems(projects, two_jobs.root) == {}


@pytest.mark.parametrize(
    ("damage", "check", "said"),
    [
        ("UPDATE sessions SET active = 0", "active-session", "0 sessions are active"),
        ("DELETE FROM steps WHERE id = 1", "jobs", "has no step"),
        ("UPDATE steps SET session_id = 7 WHERE id = 1", "references", "names one of `sessions` that is not there"),
        ("UPDATE jobs SET payload_hash = x'00' WHERE id = 1", "jobs", "has no payload hash"),
        ("UPDATE jobs SET content_hash = randomblob(32) WHERE id = 2", "session-hashes", "should be"),
        ("UPDATE sessions SET hash = randomblob(32)", "session-hashes", "should be"),
        ("UPDATE artifacts SET hash = x'0102' WHERE id = 1", "artifacts", "has 2 bytes"),
        ("INSERT INTO artifact_digests VALUES (1, 'sha256', x'0102')", "digests", "has a sha256 of 2 bytes"),
        ("INSERT INTO artifact_digests VALUES (1, 'crc32', x'01020304')", "digests", "has a crc32 of 4 bytes"),
        (
            "INSERT INTO artifact_digests SELECT id, 'sha512', zeroblob(64) FROM artifacts",
            "digests",
            "3 artifacts have the sha512 0000",
        ),
        ("INSERT INTO artifact_digests VALUES (99, 'md5', randomblob(16))", "references", "`artifact_digests`"),
        ("UPDATE inputs SET artifact_id = NULL WHERE job_id = 1", "inputs", "neither content nor reason"),
        ("UPDATE outputs SET size = size + 1 WHERE job_id = 2", "outputs", "another size"),
        ("UPDATE outputs SET artifact_id = 99 WHERE job_id = 2", "references", "`artifacts`"),
        (
            "INSERT INTO steps (session_id, kind, number, shape, name, named) VALUES (1, 'run', 9, 'x', 'x', 0)",
            "steps",
            "has no job",
        ),
    ],
)
def test_what_does_not_hold_is_found(two_jobs: Project, projects: Projects, damage: str, check: str, said: str) -> None:
    projects.close()
    with closing(sqlite3.connect(two_jobs.store.path, isolation_level=None)) as connection:
        connection.execute(damage)
        if check == "active-session":
            # Opening would make one.
            connection.execute("CREATE TRIGGER t AFTER INSERT ON sessions BEGIN UPDATE sessions SET active = 0; END")
    found = problems(projects, two_jobs.root)
    assert any(said in problem for problem in found[check]), found


def test_a_damaged_page_is_found_though_the_database_opens(two_jobs: Project, projects: Projects) -> None:
    for number in range(40):
        record(two_jobs, f"more{number}")
    projects.close()
    with closing(sqlite3.connect(two_jobs.store.path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_input_path'").fetchone()
    with open(two_jobs.store.path, "r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\0" * 4096)
    found = problems(projects, two_jobs.root)
    assert set(found) == {"integrity"}


def test_a_check_of_a_damaged_database_says_what_to_do(two_jobs: Project, projects: Projects) -> None:
    wreck(two_jobs, projects)
    checks = {check.name: check for check in check_database(projects, two_jobs.root).checks}
    assert checks["opens"].problems
    assert checks["integrity"].problems == ["it cannot be read: file is not a database"]
    assert "roar db restore" in checks["integrity"].hint
    assert not checks["hash-cache"].problems


def test_runs_put_aside_and_a_damaged_cache_are_found(two_jobs: Project, projects: Projects) -> None:
    roar_dir = Path(os.fsdecode(two_jobs.root), ".roar")
    (roar_dir / "runs" / "corrupt-x").mkdir()
    projects.close()
    (roar_dir / "cache.db").write_bytes(b"no database" * 999)
    found = problems(projects, two_jobs.root)
    assert set(found) == {"runs", "hash-cache"}
    assert "corrupt-x" in found["runs"][0]


def test_looking_changes_nothing(two_jobs: Project, projects: Projects) -> None:
    before = everything_under(two_jobs.root)
    database_info(projects, two_jobs.root)
    check_database(projects, two_jobs.root)
    assert everything_under(two_jobs.root) == before


# backup


def test_a_backup_is_a_whole_database_in_one_private_file(two_jobs: Project, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    made = back_up(two_jobs.root, bytes(target), force=False)
    assert (made.path, made.size, made.replaced) == (bytes(target), target.stat().st_size, False)
    assert (target.stat().st_mode & 0o777, jobs_in(bytes(target))) == (0o600, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["copy.db"] + ["project"] * (tmp_path / "project").is_dir()


def test_without_a_name_it_lies_beside_the_database_and_no_two_have_the_same(two_jobs: Project) -> None:
    made = {back_up(two_jobs.root, b"", force=False).path for _ in range(3)}
    assert {os.path.dirname(path) for path in made} == {os.path.join(two_jobs.root, b".roar", b"backups")}
    assert len(made) == 3


def test_a_file_is_replaced_only_by_force(two_jobs: Project, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.write_text("mine")
    with pytest.raises(BackupExists, match="there already"):
        back_up(two_jobs.root, bytes(target), force=False)
    assert target.read_text() == "mine"
    back_up(two_jobs.root, bytes(target), force=True)
    assert jobs_in(bytes(target)) == 2


def test_a_backup_never_takes_the_place_of_the_database(two_jobs: Project) -> None:
    with pytest.raises(BackupNotWritten, match="cannot write"):
        back_up(two_jobs.root, two_jobs.store.path, force=True)


def test_a_backup_without_a_place_is_refused(two_jobs: Project, tmp_path: Path) -> None:
    with pytest.raises(BackupNotWritten) as caught:
        back_up(two_jobs.root, bytes(tmp_path / "nowhere" / "x.db"), force=False)
    assert caught.value.cause == "No such file or directory"


def test_jobs_are_recorded_while_a_backup_is_made(two_jobs: Project) -> None:
    stop = threading.Event()
    copies: list[int] = []

    def copy() -> None:
        while not stop.is_set():
            copies.append(jobs_in(back_up(two_jobs.root, b"", force=False).path))

    thread = threading.Thread(target=copy)
    thread.start()
    for number in range(20):
        record(two_jobs, f"out{number}")
    stop.set()
    thread.join()
    assert copies == sorted(copies)
    assert jobs_in(back_up(two_jobs.root, b"", force=False).path) == 22


def test_a_damaged_database_is_not_passed_off_as_a_backup(
    two_jobs: Project, projects: Projects, tmp_path: Path
) -> None:
    wreck(two_jobs, projects)
    with pytest.raises(DatabaseBroken):
        back_up(two_jobs.root, bytes(tmp_path / "x.db"), force=False)
    assert not (tmp_path / "x.db").exists()


def test_a_newer_database_can_be_backed_up(two_jobs: Project, projects: Projects, tmp_path: Path) -> None:
    make_newer(two_jobs, projects)
    back_up(two_jobs.root, bytes(tmp_path / "x.db"), force=False)
    assert jobs_in(bytes(tmp_path / "x.db")) == 2


# gc


@pytest.fixture
def _old_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Digests of now are old enough to be forgotten."""
    monkeypatch.setattr(clean_module, "YOUNG_NS", -1_000_000_000)


@pytest.mark.usefixtures("_old_digests")
def test_hashes_of_files_that_are_gone_or_changed_are_forgotten(two_jobs: Project, projects: Projects) -> None:
    root = Path(os.fsdecode(two_jobs.root))
    (root / "one").unlink()
    (root / "two").write_text("changed")
    wanted = clean(projects, two_jobs.root, dry_run=True, quarantined=False)
    assert (wanted.cache_entries, wanted.cache_entries_kept) == (2, 1)
    assert database_info(projects, two_jobs.root).cache_entries == 3
    done = clean(projects, two_jobs.root, dry_run=False, quarantined=False)
    assert (done.cache_entries, done.cache_entries_kept) == (2, 1)
    assert database_info(projects, two_jobs.root).cache_entries == 1


@pytest.mark.usefixtures("_old_digests")
def test_the_hash_of_a_file_behind_a_link_is_kept(opened: Project, projects: Projects) -> None:
    root = Path(os.fsdecode(opened.root))
    record(opened, "one")
    (root / "one").rename(root / "moved")
    (root / "one").symlink_to("moved")
    assert database_info(projects, opened.root).cache_entries == 2
    found = clean(projects, opened.root, dry_run=True, quarantined=False)
    # That of `in`, and that of the file whose change time the renaming has moved: its digest is of no use any more.
    assert (found.cache_entries_kept, found.cache_entries) == (1, 1)
    contents_now(opened, [bytes(root / "moved")], Progress())
    assert clean(projects, opened.root, dry_run=True, quarantined=False).cache_entries_kept == 2


def test_the_hash_of_a_run_that_is_being_recorded_is_kept(two_jobs: Project, projects: Projects) -> None:
    Path(os.fsdecode(two_jobs.root), "one").unlink()
    assert clean(projects, two_jobs.root, dry_run=False, quarantined=False).cache_entries == 0


def test_a_damaged_cache_does_not_keep_the_rest_from_being_cleaned(two_jobs: Project, projects: Projects) -> None:
    projects.close()
    Path(os.fsdecode(two_jobs.root), ".roar", "cache.db").write_bytes(b"no database" * 999)
    back_up(two_jobs.root, b"", force=False)
    assert clean(projects, two_jobs.root, dry_run=False, quarantined=False).cache_entries == 0


def test_contents_that_no_job_uses_go_and_all_others_stay(two_jobs: Project, projects: Projects) -> None:
    with two_jobs.store.write() as session:
        session.execute(text("INSERT INTO artifacts (id, hash, size, first_seen_ns) VALUES (9, randomblob(32), 1, 1)"))
        # What other algorithms call it is no use of it, and goes with it.
        session.execute(
            text("INSERT INTO artifact_digests VALUES (9, 'md5', randomblob(16)), (1, 'md5', randomblob(16))")
        )
    assert clean(projects, two_jobs.root, dry_run=True, quarantined=False).artifacts == 1
    assert clean(projects, two_jobs.root, dry_run=False, quarantined=False).artifacts == 1
    assert database_info(projects, two_jobs.root).counts.artifacts == 3
    assert problems(projects, two_jobs.root) == {}


def test_old_backups_go_and_what_a_restore_replaced_stays(two_jobs: Project, projects: Projects) -> None:
    for _ in range(BACKUPS_KEPT + 2):
        back_up(two_jobs.root, b"", force=False)
    kept = restore(projects, two_jobs.root, b"").kept
    (old, older) = clean(projects, two_jobs.root, dry_run=False, quarantined=False).backups
    left = database_info(projects, two_jobs.root).backups
    assert len([backup for backup in left if not backup.replaced]) == BACKUPS_KEPT
    assert kept in [backup.path for backup in left]
    assert {old.path, older.path}.isdisjoint(backup.path for backup in left)


def test_runs_put_aside_go_only_when_asked(two_jobs: Project, projects: Projects) -> None:
    aside = Path(os.fsdecode(two_jobs.root), ".roar", "runs", "corrupt-x")
    aside.mkdir()
    assert not clean(projects, two_jobs.root, dry_run=False, quarantined=False).runs_quarantined
    assert list(clean(projects, two_jobs.root, dry_run=True, quarantined=True).runs_quarantined) == [bytes(aside)]
    assert aside.exists()
    clean(projects, two_jobs.root, dry_run=False, quarantined=True)
    assert not aside.exists()


def test_free_space_and_the_log_are_given_back(two_jobs: Project, projects: Projects) -> None:
    with two_jobs.store.write() as session:
        session.execute(text("CREATE TABLE big AS SELECT zeroblob(8000000) AS x"))
    with two_jobs.store.write() as session:
        session.execute(text("DROP TABLE big"))
    done = clean(projects, two_jobs.root, dry_run=False, quarantined=False)
    assert (done.vacuumed, done.size_before - done.size_after > 8_000_000) == (True, True)
    info = database_info(projects, two_jobs.root)
    assert (info.wal_size, info.free, info.counts.jobs) == (0, 0, 2)
    record(two_jobs, "three")


def test_cleaning_twice_finds_nothing_the_second_time(two_jobs: Project, projects: Projects) -> None:
    clean(projects, two_jobs.root, dry_run=False, quarantined=True)
    again = clean(projects, two_jobs.root, dry_run=False, quarantined=True)
    assert (again.cache_entries, again.artifacts, again.vacuumed) == (0, 0, False)
    assert again.size_before == again.size_after


# restore


def test_a_damaged_database_is_replaced_by_the_newest_backup_and_kept(two_jobs: Project, projects: Projects) -> None:
    backup = back_up(two_jobs.root, b"", force=False)
    record(two_jobs, "three")
    damaged = wreck(two_jobs, projects)
    done = restore(projects, two_jobs.root, b"")
    assert (done.backup.path, done.counts.jobs) == (backup.path, 2)
    assert Path(os.fsdecode(done.kept)).read_bytes()[4096:] == damaged[4096:]
    assert problems(projects, two_jobs.root) == {}
    record(projects.open(two_jobs.root), "four")
    assert jobs_in(backup.path) == 2


def test_what_was_only_in_the_log_is_kept_too_and_not_played_into_the_backup(
    two_jobs: Project, projects: Projects
) -> None:
    back_up(two_jobs.root, b"", force=False)
    record(two_jobs, "three")
    # As a killed daemon leaves them.
    left = {name: Path(os.fsdecode(two_jobs.store.path + name)).read_bytes() for name in (b"", b"-wal")}
    projects.close()
    for name, content in left.items():
        Path(os.fsdecode(two_jobs.store.path + name)).write_bytes(content)
    done = restore(projects, two_jobs.root, b"")
    assert done.counts.jobs == 2
    assert jobs_in(done.kept) == 3


def test_a_project_of_a_newer_roar_goes_back_to_the_backup_from_before(two_jobs: Project, projects: Projects) -> None:
    backup = back_up(two_jobs.root, b"", force=False)
    make_newer(two_jobs, projects)
    back_up(two_jobs.root, b"", force=False)
    with pytest.raises(DatabaseTooNew) as caught:
        projects.open(two_jobs.root)
    assert "roar db restore" in caught.value.hint
    assert restore(projects, two_jobs.root, b"").backup.path == backup.path


def test_an_old_backup_is_migrated(two_jobs: Project, projects: Projects, tmp_path: Path) -> None:
    migrate.upgrade(bytes(tmp_path / "old.db"), "0001")
    restore(projects, two_jobs.root, bytes(tmp_path / "old.db"))
    assert database_info(projects, two_jobs.root).schema == migrate.revisions()[-1]


def test_without_a_backup_there_is_no_way_back(two_jobs: Project, projects: Projects) -> None:
    with pytest.raises(NoBackup, match="no usable backup"):
        restore(projects, two_jobs.root, b"")


@pytest.mark.parametrize("content", [None, b"", b"no database" * 999])
def test_what_is_no_backup_changes_nothing(
    two_jobs: Project, projects: Projects, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "x.db").write_bytes(content)
    with pytest.raises(BackupUnusable):
        restore(projects, two_jobs.root, bytes(tmp_path / "x.db"))
    assert projects.open(two_jobs.root) is two_jobs


def test_a_migration_leaves_a_backup_that_can_be_restored(
    two_jobs: Project, projects: Projects, monkeypatch: pytest.MonkeyPatch
) -> None:
    projects.close()
    newer = (*migrate.revisions(), "9998")
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "revisions", lambda: newer)
        patch.setattr(migrate, "upgrade", lambda _path: None)
        projects.open(two_jobs.root)
        projects.close()
    (backup,) = database_info(projects, two_jobs.root).backups
    assert jobs_in(backup.path) == 2
    assert isinstance(backup, pb.DatabaseBackup)
    assert time.time_ns() - backup.made_at_ns < 60_000_000_000
    assert restore(projects, two_jobs.root, b"").counts.jobs == 2
