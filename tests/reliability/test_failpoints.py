"""Daemon and launcher are killed at every named place; what is left is recorded once, whoever recovers it how often."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from crash_kit import Recording, is_gone, recording
from daemon_kit import Daemon, Run, wait_for
from launcher_kit import answer, jobs, run, run_directories, written

from roard.db import migrate
from roard.failpoints import NAMES, failpoint, parse

TOP = Path(__file__).resolve().parent.parent.parent
RUST = (TOP / "tracers" / "trace" / "src" / "failpoint.rs").read_text()
LAUNCHERS = re.findall(r'^    "(launcher\.[a-z-]+)",$', RUST, re.MULTILINE)
AT_START = tuple(name for name in NAMES if name.startswith(("start.", "registry.")))
AT_INIT = tuple(name for name in NAMES if name.startswith(("project.", "database.")))
AT_MIGRATION = tuple(name for name in NAMES if name.startswith(("backup.", "migration.")))
AT_QUARANTINE = tuple(name for name in NAMES if name.startswith("quarantine."))
AT_FOLD = tuple(name for name in NAMES if name.startswith("fold."))
AT_POP = tuple(name for name in NAMES if name.startswith(("pop.", "undo.")))
AT_CACHE = tuple(name for name in NAMES if name.startswith(("objects.", "restore.")))
ELSEWHERE = {*AT_START, *AT_INIT, *AT_MIGRATION, *AT_QUARANTINE, *AT_FOLD, *AT_POP, *AT_CACHE}
AT_RECORDING = tuple(name for name in NAMES if name not in ELSEWHERE)
Rows = dict[str, list[tuple[object, ...]]]


def armed(daemon: Daemon, name: str, action: str = "kill") -> None:
    """Starts the daemon anew, to be killed at a place."""
    daemon.end(signal.SIGKILL)
    daemon.environment["ROAR_FAILPOINTS"] = f"{name}={action}"
    daemon.start()


def dead(daemon: Daemon) -> bool:
    return daemon.process.poll() == -signal.SIGKILL


def died_in(daemon: Daemon, work: Callable[[], object]) -> None:
    """Does something that leads past the place, and waits for the death."""
    try:
        work()
    except Exception as error:  # noqa: BLE001  the daemon dies under the call, in one of several ways
        print(f"died in the call: {type(error).__name__}")
    wait_for(lambda: dead(daemon), "the kill")


def rows(roar_dir: Path) -> Rows:
    """Returns the content of a database."""
    with closing(sqlite3.connect(f"file:{roar_dir}/roar.db?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}


def recovered(daemon: Daemon, runs: Recording) -> Rows:
    """Starts a daemon, which records what is left, and returns what is in the database then."""
    daemon.environment.pop("ROAR_FAILPOINTS")
    daemon.start()
    daemon.list_jobs(runs.root)
    wait_for(lambda: all(map(is_gone, runs.runs)), "the recovery")
    return rows(runs.root / ".roar")


def test_no_name_stands_for_two_places_and_none_for_nothing() -> None:
    python = [*(TOP / "roard").rglob("*.py"), *(TOP / "migrations").rglob("*.py")]
    rust = (path for crate in ("trace", "launcher") for path in (TOP / "tracers" / crate / "src").glob("*.rs"))
    source = "\n".join(path.read_text() for path in [*python, *rust] if path.stem != "failpoint")
    used = re.findall(r'failpoint\("([a-z.-]+)"\)|Kind::\w+ => "(launcher\.[a-z-]+)"', source)
    assert sorted(one or other for one, other in used) == sorted([*NAMES, *LAUNCHERS])
    assert len(NAMES) + len(LAUNCHERS) >= 25


@pytest.mark.parametrize("wrong", ["nowhere=kill", "commit.done", "commit.done=burn", "commit.done=error:EWHAT"])
def test_what_is_no_failpoint_keeps_the_daemon_from_starting(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ROAR_FAILPOINTS"):
        parse(wrong)
    surroundings = {**os.environ, "ROAR_RUNTIME_DIR": str(tmp_path / "run"), "ROAR_FAILPOINTS": wrong}
    done = subprocess.run([sys.executable, "-m", "roard"], env=surroundings, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"ROAR_FAILPOINTS" in done.stderr


def test_nothing_happens_where_nothing_is_armed() -> None:
    for name in NAMES:
        failpoint(name)


@pytest.mark.parametrize("name", AT_RECORDING)
def test_a_kill_while_recording_loses_and_doubles_nothing(tmp_path: Path, name: str) -> None:
    with recording(tmp_path.resolve() / "project", {"ROAR_FAILPOINTS": f"{name}=kill"}) as (daemon, runs):
        one = Run(runs.root, argv=[b"job"])
        kept = tmp_path / "kept"

        def seal() -> None:
            if one.path.exists() and not (one.path / "folded").exists():
                one.seal(runs.reads, runs.writes)
                shutil.copytree(one.path, kept)

        def record() -> None:
            daemon.begin(one)
            seal()
            daemon.finish(one)

        died_in(daemon, record)
        seal()
        runs.runs.append(one)
        first = recovered(daemon, runs)
        assert len(first["jobs"]) == 1
        # Everything once more, as if the kill had come before the directory was removed.
        shutil.copytree(kept, one.path)
        daemon.list_jobs(runs.root)
        wait_for(lambda: is_gone(one), "the second recovery")
        assert rows(runs.root / ".roar") == first
        daemon.end()
        runs.note(one)
        runs.check()


@pytest.mark.parametrize("name", AT_START)
def test_a_kill_while_starting_keeps_no_later_daemon_from_it(tmp_path: Path, name: str) -> None:
    with recording(tmp_path.resolve() / "project") as (daemon, runs):
        run = runs.sealed()
        (daemon.home / "state" / "roar" / "projects").unlink(missing_ok=True)
        daemon.end(signal.SIGKILL)
        daemon.environment["ROAR_FAILPOINTS"] = f"{name}=kill"

        def start() -> None:
            daemon.start()
            daemon.list_jobs(runs.root)

        died_in(daemon, start)
        recovered(daemon, runs)
        runs.note(run)
        runs.check()


@pytest.mark.parametrize("name", AT_INIT)
def test_a_kill_while_a_project_is_made_leaves_what_can_be_made(tmp_path: Path, name: str) -> None:
    root = tmp_path.resolve() / "project"
    root.mkdir()
    with recording(tmp_path.resolve() / "other") as (daemon, _):
        armed(daemon, name)
        died_in(daemon, lambda: daemon.init(root))
        daemon.environment.pop("ROAR_FAILPOINTS")
        daemon.start()
        daemon.init(root)
        runs = Recording(root)
        assert runs.finish(daemon, runs.sealed())
        daemon.end()
        runs.check()
        assert not [path.name for path in (root / ".roar").iterdir() if ".new" in path.name]


@pytest.mark.parametrize("name", AT_MIGRATION)
def test_a_kill_while_migrating_leaves_the_old_or_the_new_schema_and_a_backup(tmp_path: Path, name: str) -> None:
    root = tmp_path.resolve() / "project"
    with recording(root) as (daemon, runs):
        daemon.end()
        database = root / ".roar" / "roar.db"
        database.unlink()
        migrate.upgrade(bytes(database), "0001")
        old = rows(root / ".roar")
        daemon.environment["ROAR_FAILPOINTS"] = f"{name}=kill"
        run = runs.sealed()

        def start() -> None:
            daemon.start()
            daemon.list_jobs(root)

        died_in(daemon, start)
        revision = rows(root / ".roar")["alembic_version"]
        assert revision in ([("0001",)], [(migrate.revisions()[-1],)])
        recovered(daemon, runs)
        runs.note(run)
        runs.check()
        backups = [path for path in (root / ".roar" / "backups").iterdir() if path.suffix == ".db"]
        assert backups
        for number, backup in enumerate(backups):
            aside = tmp_path / f"backup{number}"
            aside.mkdir()
            shutil.copy(backup, aside / "roar.db")
            assert rows(aside) == old


@pytest.mark.parametrize("name", AT_QUARANTINE)
def test_a_kill_while_damage_is_put_aside_keeps_the_damage_and_records_others(tmp_path: Path, name: str) -> None:
    with recording(tmp_path.resolve() / "project") as (daemon, runs):
        armed(daemon, name)
        damaged = runs.sealed()
        (damaged.path / "folded").write_bytes(b"garbage")
        whole = runs.sealed()
        died_in(daemon, lambda: (daemon.list_jobs(runs.root), daemon.finish(damaged)))
        recovered(daemon, runs)
        runs.note(whole)
        runs.check()
        aside = damaged.path.with_name(f"corrupt-{damaged.run_id}")
        assert (aside / "folded").read_bytes() == b"garbage"


@pytest.mark.parametrize("name", AT_FOLD)
def test_a_kill_around_the_folding_of_a_dead_launchers_run_records_it_once(tmp_path: Path, name: str) -> None:
    launcher = shutil.which("roar")
    assert launcher
    with recording(tmp_path.resolve() / "project", {"ROAR_LAUNCHER": launcher}) as (daemon, runs):
        armed(daemon, name)
        abandoned = Run(runs.root, argv=[b"job"], launcher_pid=1 << 21)
        runs.runs.append(abandoned)
        died_in(daemon, lambda: daemon.list_jobs(runs.root))
        recovered(daemon, runs)
        runs.acknowledged.append(f"{abandoned.run_id} 0 0")
        runs.check()


@pytest.fixture
def daemon(module_daemon: Path) -> Path:
    """One daemon serves the tests of launchers."""
    return module_daemon


NEVER_STARTED = LAUNCHERS[: LAUNCHERS.index("launcher.started")]


@pytest.mark.parametrize("name", [name for name in LAUNCHERS if name != "launcher.sync"])
def test_a_launcher_that_is_killed_anywhere_is_recorded_as_far_as_it_came(project: Path, name: str) -> None:
    run("roar", "daemon", "start", cwd=project)
    surroundings = {**os.environ, "ROAR_FAILPOINTS": f"{name}=kill"}
    done = run("roar", "run", "sh", "-c", "echo x > made", cwd=project, env=surroundings)
    assert done.returncode == -signal.SIGKILL
    runs = project / ".roar" / "runs"
    if name in NEVER_STARTED[: NEVER_STARTED.index("launcher.dir-named")]:
        [half] = runs.iterdir()
        os.utime(half, (0, 0))
        wait_for(lambda: jobs(project) == [] and not run_directories(project), "the end of the directory")
        return
    wait_for(lambda: jobs(project) and not run_directories(project), "the record")
    [job] = jobs(project)
    shown = answer(project, "show", job["id"])
    assert written(shown) == ([] if name in NEVER_STARTED else ["made"])
    known_to_have_ended = LAUNCHERS.index(name) >= LAUNCHERS.index("launcher.folded-renamed")
    assert job["status"] == ("ok" if known_to_have_ended else "interrupted")
    assert run("roar", "run", "true", cwd=project).returncode == 0


def test_a_launcher_that_is_killed_while_it_makes_a_run_durable_is_recorded(project: Path) -> None:
    run("roar", "daemon", "stop", cwd=project)
    surroundings = {**os.environ, "ROAR_FAILPOINTS": "launcher.sync=kill", "ROAR_DAEMON": "require"}
    done = run("roar", "run", "sh", "-c", "echo x > made", cwd=project, env=surroundings)
    assert done.returncode == -signal.SIGKILL
    [job] = wait_for(lambda: jobs(project), "the record")
    assert job["status"] == "ok"


@pytest.mark.parametrize("name", LAUNCHERS)
def test_an_error_anywhere_in_the_launcher_leaves_the_command_alone(project: Path, name: str) -> None:
    run("roar", "daemon", "start", cwd=project)
    surroundings = {**os.environ, "ROAR_FAILPOINTS": f"{name}=error:ENOSPC"}
    done = run("roar", "run", "sh", "-c", "echo x > made; echo said; exit 3", cwd=project, env=surroundings)
    assert (done.returncode, done.stdout) == (3, b"said\n"), done.stderr
    assert (project / "made").read_text() == "x\n"


def test_an_error_at_any_place_of_a_recording_is_told_and_the_next_attempt_succeeds(tmp_path: Path) -> None:
    names = [name for name in AT_RECORDING if name.startswith(("record.", "write.", "commit.", "remove."))]
    # Each fails when it is passed for the first time, and lets the next attempt come as far as the next.
    failing = ",".join(f"{name}=error:EIO@1" for name in names)
    with recording(tmp_path.resolve() / "project", {"ROAR_FAILPOINTS": failing}) as (daemon, runs):
        one = runs.sealed()
        while not runs.finish(daemon, one):
            pass
        # What is recorded is not removed again when removing failed half-way.
        assert [name for name in names if f"'{name}'" not in daemon.log] == ["remove.done"]
        daemon.end()
        runs.check()
