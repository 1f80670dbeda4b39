"""A disk that is full, fails or is read-only, and other resources that run out: jobs go on, and nothing is lost.

When there is room again the same daemon records what it could not.
"""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from crash_kit import Recording, is_gone, line_of, recording
from daemon_kit import Daemon, wait_for
from figures import figure
from launcher_kit import answer, jobs, run, run_directories

OFFSETS = figure(50, 500)
DATABASES = ("", "roar.db", "roar.db-wal", "cache.db", "cache.db-wal")
BLOCK = 4096
SIZE = 12 << 20
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system, which only root may")


@contextmanager
def small_disk(where: Path, size: int = SIZE) -> Iterator[Path]:
    """Yields a directory with a file system of its own."""
    where.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", where], check=True)
    try:
        yield where
    finally:
        subprocess.run(["umount", "--lazy", where], check=True)


@contextmanager
def filled(disk: Path, left: int) -> Iterator[None]:
    """Leaves so many bytes on a disk, and takes the filling away again."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        wait_for(lambda: allocated(file.fileno(), os.statvfs(disk).f_bavail * BLOCK - left), "a full disk")
    try:
        yield
    finally:
        filler.unlink()


def allocated(file: int, size: int) -> bool:
    """Whether there was still so much room: a daemon may write just now."""
    try:
        os.posix_fallocate(file, 0, max(BLOCK, size))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return False
    return True


def settled(daemon: Daemon, recording: Recording) -> None:
    """Asserts that everything is recorded in the end, by the daemon that has met the trouble."""
    for one in recording.runs:
        if not is_gone(one):
            assert recording.finish(daemon, one)
    daemon.end()
    recording.acknowledged = [line_of(one) for one in recording.runs]
    recording.check()


@as_root
def test_a_disk_that_is_full_after_any_number_of_blocks(tmp_path: Path) -> None:
    refused = 0
    with small_disk(tmp_path / "disk") as disk, recording(disk / "project") as (daemon, runs):
        for blocks in range(OFFSETS):
            one = runs.sealed()
            with filled(disk, blocks * BLOCK):
                refused += not runs.finish(daemon, one)
            # As well as with room throughout, at once.
            assert runs.finish(daemon, runs.sealed())
        print(f"{OFFSETS} offsets, {refused} refused")
        assert 5 < refused < OFFSETS
        settled(daemon, runs)


@as_root
def test_a_command_never_fails_for_a_full_disk_of_ours(tmp_path: Path, daemon: Path) -> None:
    del daemon
    with small_disk(tmp_path / "disk") as disk:
        run("roar", "init", "-n", cwd=disk)
        run("roar", "run", "true", cwd=disk)
        told, count = 0, figure(12, 200)
        for number in range(count):
            with filled(disk, number * BLOCK):
                done = run("roar", "run", "sh", "-c", f"cat; exit {number % 100}", cwd=disk, input=b"data")
            assert (done.returncode, done.stdout) == (number % 100, b"data"), done.stderr
            told += b"warning[not-recorded]" not in done.stderr or b"the command runs all the same" not in done.stderr
        wait_for(lambda: not run_directories(disk), "what was left to record")
        assert answer(disk, "log")["total"] == 1 + told
        assert 0 < told < count


def test_a_limit_on_the_size_of_files_at_any_offset(tmp_path: Path) -> None:
    refused = 0
    with recording(tmp_path.resolve() / "project") as (daemon, runs):
        assert runs.finish(daemon, runs.sealed())
        log = runs.root / ".roar" / "roar.db-wal"
        for number in range(OFFSETS):
            one = runs.sealed()
            limit(daemon, resource.RLIMIT_FSIZE, log.stat().st_size + 160_000 * number // OFFSETS)
            refused += not runs.finish(daemon, one)
            limit(daemon, resource.RLIMIT_FSIZE, resource.RLIM_INFINITY)
            assert runs.finish(daemon, runs.sealed())
        print(f"{OFFSETS} offsets, {refused} refused")
        assert 5 < refused < OFFSETS
        settled(daemon, runs)


def limit(daemon: Daemon, what: int, value: int) -> None:
    """Sets a soft limit of a running daemon."""
    hard = resource.prlimit(daemon.process.pid, what)[1]
    resource.prlimit(daemon.process.pid, what, (hard if value == resource.RLIM_INFINITY else value, hard))


def test_no_descriptors_left_in_the_daemon(tmp_path: Path) -> None:
    with recording(tmp_path.resolve() / "project") as (daemon, runs):
        assert runs.finish(daemon, runs.sealed())
        used = max(int(fd.name) for fd in Path(f"/proc/{daemon.process.pid}/fd").iterdir()) + 1
        refused = 0
        # Fewer than are open too: at its start a daemon has some more open for a while.
        for spare in range(-12, 4):
            one = runs.sealed()
            limit(daemon, resource.RLIMIT_NOFILE, used + spare)
            refused += not runs.finish(daemon, one)
            limit(daemon, resource.RLIMIT_NOFILE, resource.RLIM_INFINITY)
            assert runs.finish(daemon, one)
        assert refused
        settled(daemon, runs)


@pytest.mark.parametrize(
    ("calls", "error", "every"),
    [
        ("fsync,fdatasync", "EIO", 3),
        ("pwrite64", "EIO", 97),
        ("pwrite64", "ENOSPC", 89),
        ("pwrite64", "EROFS", 101),
        ("pread64", "EIO", 61),
    ],
)
def test_a_disk_that_fails_now_and_then(tmp_path: Path, calls: str, error: str, every: int) -> None:
    attempts = 0
    root = tmp_path.resolve() / "project"
    paths = [word for name in DATABASES for word in ("-P", str(root / ".roar" / name))]
    # strace counts for each thread by itself.
    fails = ("-e", f"trace={calls}", "-e", f"inject={calls}:error={error}:when=2+{every}")
    with recording(root, under=["strace", "-f", "-o", str(tmp_path / "trace"), *fails, *paths]) as (daemon, runs):
        for _ in range(figure(20, 200)):
            one = runs.sealed()
            while not runs.finish(daemon, one):
                attempts += 1
                assert attempts < 200
        daemon.kill()
        runs.check()
    injected = (tmp_path / "trace").read_text().count("(INJECTED)")
    print(f"{injected} calls failed, {attempts} recordings")
    assert injected


@as_root
def test_a_read_only_project_is_told_and_served_once_it_is_writable(tmp_path: Path, daemon: Path) -> None:
    del daemon
    with small_disk(tmp_path / "disk") as disk:
        run("roar", "init", "-n", cwd=disk)
        run("roar", "daemon", "stop", cwd=disk)
        run("roar", "daemon", "start", cwd=disk)
        wait_for(lambda: remounted(disk, "ro"), "a file system that nobody writes to")
        done = run("roar", "run", "sh", "-c", "cat; exit 3", cwd=disk, input=b"data")
        assert (done.returncode, done.stdout) == (3, b"data")
        assert done.stderr.startswith(b"warning[not-recorded]: "), done.stderr
        told = run("roar", "log", cwd=disk)
        assert told.stderr.startswith(b"error[project-not-writable]: "), told.stderr
        assert remounted(disk, "rw")
        done = run("roar", "run", "true", cwd=disk)
        assert b" job " in done.stderr, done.stderr
        assert len(jobs(disk)) == 1


def remounted(disk: Path, how: str) -> bool:
    return subprocess.run(["mount", "-o", f"remount,{how}", disk], check=False, capture_output=True).returncode == 0
