"""The lineage database: transactions, readers, versions, damage."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest
from daemon_kit import wait_for
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from roard.db import migrate, sessions
from roard.db.store import Store, error_for
from roard.db.tables import Base, SessionRow
from roard.errors import (
    DatabaseBroken,
    DatabaseBusy,
    DatabaseTooNew,
    DiskFailure,
    NoProject,
    NoSpace,
    ProjectNotWritable,
)
from roard.project import Project
from roard.projects import Projects


def schema_of(path: Path) -> list[tuple[str, ...]]:
    """Returns tables and indexes as SQLite describes them, independent of how their SQL is spaced."""
    with sqlite3.connect(path) as connection:
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1"
        names = [name for (name,) in connection.execute(tables)]
        found = []
        for name in names:
            found += [(name, *map(str, row)) for row in connection.execute(f"PRAGMA table_xinfo({name})")]
            found += [(name, *map(str, row[2:])) for row in connection.execute(f"PRAGMA foreign_key_list({name})")]
            for _, index, *facts in connection.execute(f"PRAGMA index_list({name})"):
                columns = [str(row) for row in connection.execute(f"PRAGMA index_xinfo({index})")]
                found.append((name, str(facts), *columns))
        return sorted(found)


def test_a_new_database_is_the_one_that_the_migrations_make(tmp_path: Path) -> None:
    made, migrated = tmp_path / "made.db", tmp_path / "migrated.db"
    assert migrate.prepare(bytes(made), bytes(tmp_path))
    migrate.upgrade(bytes(migrated))
    assert schema_of(made) == schema_of(migrated)


def test_the_migrations_make_what_the_tables_say(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import create_engine

    migrate.upgrade(bytes(tmp_path / "x.db"))
    with create_engine(f"sqlite:///{tmp_path}/x.db").connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_the_newest_revision_is_alembics_head() -> None:
    from alembic.script import ScriptDirectory

    assert ScriptDirectory(migrate.MIGRATIONS).get_heads() == [migrate.revisions()[-1]]


def test_a_current_database_is_left_alone(opened: Project) -> None:
    before = os.stat(opened.store.path).st_mtime_ns
    assert not migrate.prepare(opened.store.path, b"/nowhere")
    assert os.stat(opened.store.path).st_mtime_ns == before


def test_jobs_of_before_there_were_several_backends_stay_readable(tmp_path: Path) -> None:
    database = tmp_path / "x.db"
    migrate.upgrade(bytes(database), "0001")
    columns = "(job_id, ordinal, pid, parent_pid, exe, argv, started_ns)"
    with sqlite3.connect(database) as connection:
        connection.execute(f"INSERT INTO processes {columns} VALUES (1, 0, 7, 0, x'', x'', 0)")
    migrate.upgrade(bytes(database))
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT pid, tracer FROM processes").fetchall() == [(7, "")]


def test_jobs_of_before_anything_was_counted_are_counted(tmp_path: Path) -> None:
    database = tmp_path / "x.db"
    migrate.upgrade(bytes(database), "0002")
    with sqlite3.connect(database) as connection:
        connection.executescript("""
            INSERT INTO sessions VALUES (1, 0, 1, x'');
            INSERT INTO steps VALUES (1, 1, 'run', 1, 's', 's', 0);
            INSERT INTO artifacts VALUES (1, x'01', 5, 0);
            INSERT INTO jobs (id, uid, run_id, payload_hash, content_hash, step_id, argv, command, cwd, status,
                              started_at_ns, duration_ns, tracer, hostname, user, roar_version, git_read_late)
            VALUES (1, 'u', 'r', x'', x'', 1, x'', '', x'', 'ok', 0, 0, '', '', '', '', 0);
            INSERT INTO inputs VALUES (1, x'61', 1, 5, 'data', 0, ''), (1, x'63', 1, 5, 'code', 0, '');
            INSERT INTO outputs VALUES (1, x'61', 1, 5, 'data', 0, ''), (1, x'62', NULL, 7, 'data', 0, 'gone');
            INSERT INTO dropped VALUES (1, 0, x'64', 'system');
        """)
    migrate.upgrade(bytes(database))
    with sqlite3.connect(database) as connection:
        counts = "input_count, output_count, output_bytes, code_count, dropped_count"
        assert connection.execute(f"SELECT {counts} FROM jobs").fetchall() == [(1, 2, 12, 1, 1)]
        assert connection.execute("SELECT path, in_place FROM outputs").fetchall() == [(b"a", 1), (b"b", 0)]
        files = "SELECT path, job_id, artifact_id, size, step_id FROM session_files"
        assert connection.execute(files).fetchall() == [(b"a", 1, 1, 5, 1), (b"b", 1, None, 7, 1)]


def test_an_old_database_is_copied_and_then_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database, backups = tmp_path / "roar.db", tmp_path / "backups"
    migrate.prepare(bytes(database), bytes(backups))
    newer = (*migrate.revisions(), "9998")
    monkeypatch.setattr(migrate, "revisions", lambda: newer)
    upgraded: list[bytes] = []
    monkeypatch.setattr(migrate, "upgrade", upgraded.append)
    migrate.prepare(bytes(database), bytes(backups))
    (copy,) = backups.iterdir()
    assert upgraded == [bytes(database)]
    assert schema_of(copy) == schema_of(database)


def test_a_newer_database_is_refused(opened: Project, projects: Projects) -> None:
    projects.close()
    with sqlite3.connect(opened.store.path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseTooNew, match="newer roar"):
        projects.open(opened.root)


def test_another_program_s_database_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "roar.db") as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(DatabaseBroken, match="damaged"):
        migrate.prepare(bytes(tmp_path / "roar.db"), bytes(tmp_path))


def test_the_log_of_a_deleted_database_is_not_played_into_the_new_one(tmp_path: Path) -> None:
    (tmp_path / "roar.db-wal").write_bytes(b"old")
    migrate.prepare(bytes(tmp_path / "roar.db"), bytes(tmp_path))
    assert not (tmp_path / "roar.db-wal").exists()


def test_a_failed_transaction_leaves_nothing(opened: Project) -> None:
    def fail_halfway() -> None:
        with opened.store.write() as session:
            session.execute(text("DELETE FROM sessions"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    with opened.store.read() as session:
        assert sessions.find_active(session) is not None


def test_a_reader_cannot_write(opened: Project) -> None:
    with pytest.raises((ProjectNotWritable, OperationalError)), opened.store.read() as session:
        session.execute(text("DELETE FROM sessions"))


def test_a_reader_sees_one_state_throughout_while_others_write(opened: Project) -> None:
    with opened.store.read() as reader:
        before = reader.scalars(select(SessionRow.hash)).all()
        with opened.store.write() as writer:
            writer.execute(text("UPDATE sessions SET hash = x'00'"))
        assert reader.scalars(select(SessionRow.hash)).all() == before
    with opened.store.read() as reader:
        assert reader.scalars(select(SessionRow.hash)).all() == [b"\0"]


def test_writers_wait_for_each_other(opened: Project) -> None:
    def add_one() -> None:
        with opened.store.write() as session:
            count = session.scalar(text("SELECT created_at_ns FROM sessions"))
            session.execute(text("UPDATE sessions SET created_at_ns = :n"), {"n": count + 1})

    with opened.store.write() as session:
        session.execute(text("UPDATE sessions SET created_at_ns = 0"))
    threads = [threading.Thread(target=add_one) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with opened.store.read() as session:
        assert session.scalar(text("SELECT created_at_ns FROM sessions")) == 16


@pytest.mark.parametrize("pragma", ["journal_mode=wal", "synchronous=2", "foreign_keys=1"])
def test_the_writer_is_durable_and_strict(opened: Project, pragma: str) -> None:
    name, value = pragma.split("=")
    with opened.store.write() as session:
        assert str(session.scalar(text(f"PRAGMA {name}"))) == value


def test_damage_is_named_and_other_projects_are_served(tmp_path: Path, projects: Projects, opened: Project) -> None:
    other = tmp_path.resolve() / "other"
    other.mkdir()
    projects.init(bytes(other))
    path = projects.open(bytes(other)).store.path
    projects.close()
    with open(path, "r+b") as file:
        file.write(b"\0" * 4096)
    with pytest.raises(DatabaseBroken) as caught:
        projects.open(bytes(other))
    assert "roar db restore" in caught.value.hint
    assert projects.open(opened.root).root == opened.root


def test_messages_of_sqlite_have_their_reasons() -> None:
    assert isinstance(error_for(b"/x", "database or disk is full"), NoSpace)
    assert isinstance(error_for(b"/x", "attempt to write a readonly database"), ProjectNotWritable)
    assert isinstance(error_for(b"/x", "disk I/O error"), DiskFailure)
    assert error_for(b"/x", 'near "SELEC": syntax error') is None


def test_a_full_disk_is_said_and_the_next_write_works(opened: Project) -> None:
    with opened.store.write() as session:
        pages = session.scalar(text("PRAGMA page_count"))
        session.execute(text(f"PRAGMA max_page_count = {pages}"))

    def fill() -> None:
        with opened.store.write() as session:
            session.execute(text("UPDATE sessions SET hash = zeroblob(1000000)"))

    with pytest.raises(NoSpace) as caught:
        fill()
    assert "recorded then" in caught.value.hint
    with opened.store.write() as session:
        session.execute(text("PRAGMA max_page_count = 1073741823"))
    fill()


def test_a_locked_database_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, projects: Projects) -> None:
    monkeypatch.setattr("roard.db.store.BUSY_TIMEOUT_MS", 50)
    projects.init(bytes(tmp_path.resolve()))
    store = projects.open(bytes(tmp_path.resolve())).store
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def write() -> None:
        with store.write() as session:
            session.execute(text("UPDATE sessions SET created_at_ns = 1"))

    with pytest.raises(DatabaseBusy):
        write()
    other.execute("ROLLBACK")
    other.close()
    write()


def test_a_file_in_the_place_of_the_directory_is_said(tmp_path: Path, projects: Projects) -> None:
    (tmp_path / ".roar").write_text("")
    with pytest.raises(ProjectNotWritable, match="cannot write"):
        projects.init(bytes(tmp_path.resolve()))


def test_opening_is_once_and_a_replaced_database_is_opened_anew(opened: Project, projects: Projects) -> None:
    assert projects.open(opened.root) is opened
    os.unlink(opened.store.path)
    anew = projects.open(opened.root)
    assert anew is not opened
    with anew.store.read() as session:
        assert sessions.find_active(session) is not None


def test_a_directory_without_roar_files_is_no_project(tmp_path: Path, projects: Projects) -> None:
    with pytest.raises(NoProject, match="no roar project"):
        projects.open(bytes(tmp_path.resolve()))


def test_init_makes_everything_once(tmp_path: Path, projects: Projects) -> None:
    root = tmp_path.resolve()
    assert projects.init(bytes(root))
    config = root / ".roar" / "config.toml"
    config.write_text("# mine\n")
    assert not projects.init(bytes(root))
    assert config.read_text() == "# mine\n"
    assert {"roar.db", "config.toml", "runs"} <= {path.name for path in (root / ".roar").iterdir()}
    assert (root / ".roar").stat().st_mode & 0o077 == 0


def test_many_threads_open_a_project_once(opened: Project, projects: Projects) -> None:
    projects.close()
    found: list[Project] = []
    threads = [threading.Thread(target=lambda: found.append(projects.open(opened.root))) for _ in range(8)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(found) == 8, "eight threads")
    assert len({id(project) for project in found}) == 1


def test_a_store_closes_with_everything_in_the_database_file(opened: Project, projects: Projects) -> None:
    with opened.store.write() as session:
        session.execute(text("UPDATE sessions SET hash = x'07'"))
    projects.close()
    assert not os.path.exists(opened.store.path + b"-wal")
    again = Store(opened.store.path)
    with again.read() as session:
        assert session.scalars(select(SessionRow.hash)).one() == b"\x07"
    again.close()
