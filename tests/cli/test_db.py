"""`roar db`: what it prints, what it refuses, and its exit status."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli_kit import Cli, Recorder, validate


def wreck(recorder: Recorder) -> None:
    """Puts something else in the database's place, as a bad disk or a bad tool does."""
    database = recorder.root / ".roar" / "roar.db"
    (recorder.root / "wreck").write_bytes(b"\0" * database.stat().st_size)
    (recorder.root / "wreck").rename(database)
    for suffix in ("-wal", "-shm"):
        database.with_name(f"roar.db{suffix}").unlink(missing_ok=True)


@pytest.mark.parametrize(
    "words", [("info",), ("check",), ("backup",), ("gc",), ("gc", "--dry-run"), ("restore", "-y", "x.db")]
)
@pytest.mark.usefixtures("recorded")
def test_real_output_is_valid(cli: Cli, words: tuple[str, ...]) -> None:
    assert cli("db", "backup", "x.db").status == 0
    said = cli("db", *words, "--json")
    assert (said.status, said.err) == (0, "")
    validate("db", said.json)


def test_info_of_a_damaged_database_is_valid_too(recorded: Recorder, cli: Cli) -> None:
    cli("db", "backup")
    wreck(recorded)
    for words in (("info",), ("check",)):
        validate("db", cli("db", *words, "--json").json)
    assert cli("db", "info", "--json").json["problem"]["reason"] == "database-broken"


def test_info_says_what_is_there(recorded: Recorder, cli: Cli) -> None:
    said = cli("db", "info")
    assert said.status == 0
    assert f"{recorded.root}/.roar/roar.db" in said.out
    assert "3 jobs of 3 steps in 1 session" in said.out
    assert "this daemon, pid" in said.out


def test_check_tells_by_its_exit_status(recorded: Recorder, cli: Cli) -> None:
    said = cli("db", "check")
    assert (said.status, "WRONG" in said.out) == (0, False)
    (recorded.root / ".roar/runs/corrupt-x").mkdir()
    said = cli("db", "check")
    assert said.status == 1
    assert "hint: keep them for a bug report; `roar db gc --quarantined` removes them" in said.out
    assert cli("db", "gc", "--quarantined").out.startswith("1 damaged run removed\n")
    assert cli("db", "check").status == 0


def test_a_damaged_database_is_mended_as_the_error_says(recorded: Recorder, cli: Cli) -> None:
    assert cli("db", "backup").status == 0
    wreck(recorded)
    refused = cli("status")
    assert (refused.status, "error[database-broken]" in refused.err) == (1, True)
    assert "`roar db restore`" in refused.err
    assert cli("db", "check").status == 1
    assert cli("db", "backup").status == 1
    mended = cli("db", "restore", "-y")
    assert mended.status == 0
    assert "3 jobs of 3 steps in 1 session" in mended.out
    assert "replaced-" in mended.err
    assert cli("status").status == 0


@pytest.mark.usefixtures("recorded")
def test_a_backup_is_written_where_it_was_told_from_below(recorded: Recorder, cli: Cli) -> None:
    below = recorded.root / "data"
    said = cli("db", "backup", "../copy.db", cwd=below)
    assert said.out.startswith(f"{recorded.root}/copy.db  ")
    assert (recorded.root / "copy.db").stat().st_mode & 0o777 == 0o600
    again = cli("db", "backup", "../copy.db", cwd=below)
    assert (again.status, "error[backup-exists]" in again.err) == (1, True)
    assert cli("db", "backup", "--force", "../copy.db", cwd=below).status == 0


def test_restoring_is_asked_about(recorded: Recorder, cli: Cli) -> None:
    cli("db", "backup")
    said = cli("db", "restore")
    assert (said.status, "say `roar db restore -y`" in said.err) == (2, True)
    assert os.path.exists(recorded.root / ".roar/roar.db")


@pytest.mark.usefixtures("recorded")
def test_a_restore_without_a_backup_says_what_else_can_be_done(cli: Cli) -> None:
    said = cli("db", "restore", "-y")
    assert (said.status, "error[no-backup]" in said.err, ".recover" in said.err) == (1, True, True)


def test_gc_says_when_there_is_nothing_to_do(recorded: Recorder, cli: Cli) -> None:
    cli("db", "gc")
    assert cli("db", "gc").out == "nothing to remove\n"
    assert Path(recorded.root / ".roar/roar.db").exists()
