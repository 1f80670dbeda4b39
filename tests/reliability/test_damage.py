"""Damaged traces and databases: what is whole is recorded, what is not is refused or put aside, others are served."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import grpc
import pytest
from crash_kit import Recording, is_gone, make_root, recording
from daemon_kit import Run, refusal, wait_for
from figures import figure, seeded
from launcher_kit import run, run_directories

from roard.db import migrate
from roard.errors import TraceCorrupt
from roard.trace.rundir import RunDir, read_run

FLIPS = figure(2_000, 10_000)
DAMAGED = figure(40, 400)
"""Runs with a damaged raw trace that a daemon finds at once."""


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory, module_daemon: Path) -> Path:
    """The run directory of a real run that nobody has recorded, with its raw trace."""
    del module_daemon
    project = tmp_path_factory.mktemp("traced")
    run("roar", "init", "-n", cwd=project)
    run("roar", "daemon", "stop", cwd=project)
    script = "for i in 1 2 3 4 5; do echo $i > made$i; cat made$i > copy$i; mv copy$i moved$i; done"
    words = ("roar", "run", "--tracer", "preload", "sh", "-c", script)
    done = run(*words, cwd=project, env={**os.environ, "ROAR_DAEMON": "require"})
    assert b"is safe in" in done.stderr, done.stderr
    [rundir] = run_directories(project)
    return rundir


def test_a_folded_trace_cut_at_any_byte_is_refused(traced: Path, tmp_path: Path) -> None:
    rundir = tmp_path / traced.name
    shutil.copytree(traced, rundir)
    for name in ("record", "folded"):
        whole = (rundir / name).read_bytes()
        for length in range(len(whole)):
            (rundir / name).write_bytes(whole[:length])
            with pytest.raises(TraceCorrupt):
                read_run(RunDir(bytes(rundir)))
        (rundir / name).write_bytes(whole)
    assert read_run(RunDir(bytes(rundir))).record.run_id == traced.name


def test_flipped_bits_in_record_and_folded_trace_are_noticed(traced: Path, tmp_path: Path) -> None:
    chance = seeded("flipped bits")
    rundir = tmp_path / traced.name
    shutil.copytree(traced, rundir)
    for _ in range(FLIPS):
        file = rundir / chance.choice(("record", "folded"))
        whole = file.read_bytes()
        file.write_bytes(flipped(whole, chance))
        with pytest.raises(TraceCorrupt):
            read_run(RunDir(bytes(rundir)))
        file.write_bytes(whole)


def flipped(content: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(content)
    damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def overwritten(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content))
    return content[:start] + chance.randbytes(min(512, len(content) - start)) + content[start + 512 :]


def test_runs_with_damaged_traces_are_recorded_in_part_or_put_aside(traced: Path, tmp_path: Path) -> None:
    chance = seeded("damaged traces")
    whole = read_run(RunDir(bytes(traced))).folded
    launcher = shutil.which("roar")
    assert launcher
    with recording(tmp_path.resolve() / "project", {"ROAR_LAUNCHER": launcher}) as (daemon, runs):
        damaged = [with_damage(runs.root, traced, chance) for _ in range(DAMAGED)]
        untouched = runs.sealed()
        daemon.list_jobs(runs.root)
        wait_for(lambda: all(map(is_gone, [*damaged, untouched])), "the end of the run directories", 60)
        recorded = {job.run_id: job for job in daemon.list_jobs(runs.root)}
        assert untouched.run_id in recorded
        aside = {path.name for path in (runs.root / ".roar" / "runs").iterdir()}
        for one in damaged:
            assert (one.run_id in recorded) != (f"corrupt-{one.run_id}" in aside)
        print(f"{DAMAGED} damaged: {len(recorded) - 1} recorded, {len(aside)} put aside")
        possible = {bytes(file.path) for file in whole.writes}
        told = {bytes(file.path) for job in recorded.values() for file in daemon.job(runs.root, job.uid).outputs}
        assert told - {b"file3", b"file4", b"file5"} <= possible
        assert len(recorded) > DAMAGED / 2


def with_damage(root: Path, traced: Path, chance: random.Random) -> Run:
    """Makes a run of a dead launcher in a project, with a copy of a trace that is damaged."""
    one = Run(root, launcher_pid=1 << 21)
    for stream in traced.glob("trace.*"):
        damage: Callable[[bytes, random.Random], bytes] = chance.choice((flipped, cut, overwritten))
        (one.path / stream.name).write_bytes(damage(used_part(stream), chance))
    return one


def used_part(stream: Path) -> bytes:
    """Returns a stream without the room that its writers did not use."""
    return stream.read_bytes().rstrip(b"\0")


def zeroed_page(roar_dir: Path) -> None:
    database = bytearray((roar_dir / "roar.db").read_bytes())
    database[4096:8192] = bytes(4096)
    (roar_dir / "roar.db").write_bytes(database)


def zeroed_head(roar_dir: Path) -> None:
    with (roar_dir / "roar.db").open("r+b") as file:
        file.write(bytes(4096))


def cut_database(roar_dir: Path) -> None:
    os.truncate(roar_dir / "roar.db", (roar_dir / "roar.db").stat().st_size // 2)


def no_version(roar_dir: Path) -> None:
    statement(roar_dir, "DROP TABLE alembic_version")


def newer_schema(roar_dir: Path) -> None:
    statement(roar_dir, "UPDATE alembic_version SET version_num = '9999'")


def wrong_schema(roar_dir: Path) -> None:
    (roar_dir / "roar.db").unlink()
    statement(roar_dir, "CREATE TABLE something (x)")


def statement(roar_dir: Path, text: str) -> None:
    with closing(sqlite3.connect(roar_dir / "roar.db")) as connection, connection:
        connection.execute(text)


REFUSED: dict[Callable[[Path], None], str] = {
    zeroed_head: "database-broken",
    cut_database: "database-broken",
    zeroed_page: "database-broken",
    no_version: "database-broken",
    newer_schema: "database-too-new",
    wrong_schema: "database-broken",
}


@pytest.mark.parametrize("damage", REFUSED)
def test_a_damaged_database_is_refused_with_the_repair_and_others_are_served(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    other = Recording(make_root(tmp_path.resolve() / "other"))
    with recording(tmp_path.resolve() / "project") as (daemon, runs):
        assert runs.finish(daemon, runs.sealed())
        daemon.end()
        damage(runs.root / ".roar")
        daemon.start()
        waiting = runs.sealed()
        with pytest.raises(grpc.RpcError) as refused:
            daemon.finish(waiting)
        said = refusal(refused.value)
        assert said.reason == REFUSED[damage]
        assert said.hint
        assert other.finish(daemon, other.sealed())
        assert not is_gone(waiting)


def cut_log(roar_dir: Path) -> None:
    log = roar_dir / "roar.db-wal"
    os.truncate(log, log.stat().st_size * 2 // 3)


def no_index(roar_dir: Path) -> None:
    (roar_dir / "roar.db-shm").unlink()


def garbage_index(roar_dir: Path) -> None:
    index = roar_dir / "roar.db-shm"
    index.write_bytes(os.urandom(index.stat().st_size))


def no_cache(roar_dir: Path) -> None:
    for file in roar_dir.glob("cache.db*"):
        file.unlink()


def garbage_cache(roar_dir: Path) -> None:
    for file in roar_dir.glob("cache.db*"):
        file.write_bytes(os.urandom(file.stat().st_size))


@pytest.mark.parametrize("damage", [cut_log, no_index, garbage_index, no_cache, garbage_cache])
def test_what_can_be_done_without_is_done_without(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    with recording(tmp_path.resolve() / "project") as (daemon, runs):
        for _ in range(5):
            assert runs.finish(daemon, runs.sealed())
        daemon.end(signal.SIGKILL)
        damage(runs.root / ".roar")
        daemon.start()
        assert runs.finish(daemon, runs.sealed())
        daemon.end()
        if damage is cut_log:
            # Half of a log is half of what was acknowledged; it must be a whole half.
            del runs.acknowledged[1:-1]
        runs.check()


def test_a_migration_keeps_a_copy_from_before(tmp_path: Path) -> None:
    with recording(tmp_path.resolve() / "project") as (daemon, runs):
        database = runs.root / ".roar" / "roar.db"
        database.unlink()
        migrate.upgrade(bytes(database), migrate.revisions()[0])
        assert runs.finish(daemon, runs.sealed())
        [backup] = (runs.root / ".roar" / "backups").iterdir()
        with closing(sqlite3.connect(backup)) as connection:
            version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            assert version == (migrate.revisions()[0],)
