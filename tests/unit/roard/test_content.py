"""Which content a file has, had, or is not known to have had."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from blake3 import blake3

from roard.content import Wanted, contents, contents_now
from roard.db.hash_cache import CachedDigest, HashCache
from roard.hashing import digest
from roard.hashing.digest import EMPTY, Expected, Progress
from roard.model import Content, StatKey
from roard.project import Project

PAST_NS = 1_700_000_000_123_456_789


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data.bin"
    path.write_bytes(b"content")
    os.utime(path, ns=(PAST_NS, PAST_NS))
    return path


def key_of(path: Path) -> StatKey:
    return StatKey.of_stat(path.stat())


def find(project: Project, path: Path, key: StatKey, *, replaced: bool = False) -> Content:
    note = "changed-by-job" if replaced else "changed-after"
    (found,) = contents(project, [Wanted(Expected(bytes(path), key, strict=replaced), note)], Progress())
    return found


def test_an_untouched_file_is_hashed(opened: Project, file: Path) -> None:
    assert find(opened, file, key_of(file)) == Content(blake3(b"content").digest(), 7, "")


@pytest.mark.parametrize("size", [0, 1, digest.SMALL, digest.SMALL + 1, digest.PARALLEL, digest.PARALLEL + 5])
def test_every_way_of_reading_gives_the_same_digest(opened: Project, file: Path, size: int) -> None:
    data = os.urandom(size)
    file.write_bytes(data)
    progress = Progress()
    (found,) = contents(opened, [Wanted(Expected(bytes(file), key_of(file), strict=True), "")], progress)
    assert found == Content(blake3(data).digest(), size, "")
    assert (progress.files_done, progress.files_total) == (1, 1)
    assert progress.bytes_done == progress.bytes_total == size


def test_what_the_job_changed_is_not_hashed_as_what_it_read(opened: Project, file: Path) -> None:
    key = key_of(file)
    file.write_bytes(b"CONTENT")
    assert find(opened, file, key, replaced=True) == Content(b"", 7, "changed-by-job")


def test_what_somebody_changed_later_is_not_hashed(opened: Project, file: Path) -> None:
    key = key_of(file)
    file.write_bytes(b"CONTENT")
    assert find(opened, file, key).note == "changed-after"


def test_the_content_that_an_earlier_job_recorded_is_known_after_it_is_gone(opened: Project, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.bin"
    fresh.write_bytes(b"first")
    key = key_of(fresh)
    assert find(opened, fresh, key).digest == blake3(b"first").digest()
    fresh.write_bytes(b"second")
    assert find(opened, fresh, key, replaced=True).digest == blake3(b"first").digest()
    fresh.unlink()
    assert find(opened, fresh, key, replaced=True).digest == blake3(b"first").digest()


def test_a_renamed_file_keeps_its_content_under_another_change_time(opened: Project, file: Path) -> None:
    key = key_of(file)
    moved = file.rename(file.with_name("moved.bin"))
    moved.chmod(0o600)
    assert find(opened, moved, key).digest == blake3(b"content").digest()
    assert find(opened, moved, key, replaced=True).note == "changed-by-job"


def test_a_file_that_is_gone_or_unreadable_says_so(opened: Project, file: Path) -> None:
    key = key_of(file)
    file.unlink()
    assert find(opened, file, key).note == "gone"
    file.symlink_to("/etc/passwd")
    assert find(opened, file, key).note == "unreadable"
    file.unlink()
    os.mkfifo(file)
    assert find(opened, file, key).note == "changed-after"


def test_an_empty_file_that_the_job_filled_was_empty(opened: Project, file: Path) -> None:
    file.write_bytes(b"")
    key = key_of(file)
    file.write_bytes(b"filled")
    assert find(opened, file, key, replaced=True) == Content(EMPTY, 0, "")


def test_a_settled_file_is_read_once(opened: Project, file: Path) -> None:
    # The change time cannot be set back, so the cache entry is made as if the file had been hashed later.
    key = key_of(file)
    later = CachedDigest(key, b"\x07" * 32, time.time_ns() + 10_000_000_000)
    opened.cache.store([later])
    assert find(opened, file, key).digest == later.digest


def test_a_young_file_is_read_again(opened: Project, file: Path) -> None:
    key = key_of(file)
    opened.cache.store([CachedDigest(key, b"\x07" * 32, key.ctime_ns)])
    assert find(opened, file, key).digest == blake3(b"content").digest()


def test_what_is_there_now(opened: Project, file: Path, tmp_path: Path) -> None:
    here, gone, folder = contents_now(opened, [bytes(file), b"/no/such/file", bytes(tmp_path)], Progress())
    assert here.digest == blake3(b"content").digest()
    assert gone.note == folder.note == "gone"


def test_many_files_keep_their_order(opened: Project, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.bin" for number in range(300)]
    for number, path in enumerate(paths):
        path.write_bytes(b"%d" % number)
    found = contents_now(opened, [bytes(path) for path in paths], Progress())
    assert [content.digest for content in found] == [blake3(b"%d" % number).digest() for number in range(300)]


def test_a_file_of_proc_has_more_content_than_its_size_says(opened: Project) -> None:
    path = Path("/proc/self/status")
    assert find(opened, path, key_of(path)) == Content(b"", 0, "changed-after")


def test_the_cache_knows_inodes_that_use_all_64_bits(tmp_path: Path) -> None:
    cache = HashCache(bytes(tmp_path / "cache.db"))
    keys = [StatKey(2**64 - 1, 2**63 + 5, 1, 2, 3), StatKey(1, 2**63 - 1, 1, 2, 3), StatKey(1, 2**63 + 5, 1, 2, 4)]
    cache.store([CachedDigest(key, b"%032d" % number, number) for number, key in enumerate(keys)])
    assert {key: entry.hashed_at_ns for key, entry in cache.lookup(keys).items()} == {
        key: number for number, key in enumerate(keys)
    }
    assert cache.lookup([StatKey(1, 2, 3, 4, 5)]) == {}
    cache.close()


def test_a_damaged_cache_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    path.write_bytes(b"no database at all, " * 300)
    cache = HashCache(bytes(path))
    entry = CachedDigest(StatKey(1, 2, 3, 4, 5), b"\x01" * 32, 6)
    assert cache.lookup([entry.key]) == {}
    cache.store([entry])
    assert cache.lookup([entry.key]) == {entry.key: entry}
    cache.close()


def test_a_cache_that_cannot_be_written_is_as_if_empty(tmp_path: Path) -> None:
    cache = HashCache(bytes(tmp_path / "missing" / "cache.db"))
    key = StatKey(1, 2, 3, 4, 5)
    cache.store([CachedDigest(key, b"\x01" * 32, 6)])
    assert cache.lookup([key]) == {}


def test_large_files_are_shared_among_threads_and_small_ones_keep_their_place(opened: Project, tmp_path: Path) -> None:
    sizes = [10, 2 * digest.SMALL, 20, 3 * digest.SMALL, 30, 2 * digest.SMALL + 1]
    paths = [tmp_path / f"{number}.bin" for number in range(len(sizes))]
    for number, (path, size) in enumerate(zip(paths, sizes, strict=True)):
        path.write_bytes(b"%d" % number * size)
    found = contents_now(opened, [bytes(path) for path in paths], Progress())
    assert [content.digest for content in found] == [blake3(path.read_bytes()).digest() for path in paths]
