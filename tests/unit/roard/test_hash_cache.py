"""What the hash cache keeps in memory is what its file has."""

from __future__ import annotations

from pathlib import Path

import pytest

from roard.db import hash_cache
from roard.db.hash_cache import CachedDigest, HashCache
from roard.model import StatKey


def entry(number: int, digest: bytes = b"d" * 32, hashed_at_ns: int = 9) -> CachedDigest:
    return CachedDigest(StatKey(1, number, 5, 3, 4), digest, hashed_at_ns)


def read_anew(path: Path, numbers: list[int]) -> dict[StatKey, CachedDigest]:
    """Returns what another process would find."""
    cache = HashCache(bytes(path))
    found = cache.lookup([entry(number).key for number in numbers])
    cache.close()
    return found


def test_a_digest_that_was_looked_up_is_found_again_without_the_file(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    writer, cache = HashCache(bytes(path)), HashCache(bytes(path))
    writer.store([entry(1)])
    assert cache.lookup([entry(1).key]) == {entry(1).key: entry(1)}
    cache.close()
    writer.close()
    path.write_bytes(b"not a database")
    assert cache.lookup([entry(1).key]) == {entry(1).key: entry(1)}


def test_a_digest_made_again_takes_the_place_of_the_one_remembered(tmp_path: Path) -> None:
    cache = HashCache(bytes(tmp_path / "cache.db"))
    cache.store([entry(1)])
    assert cache.lookup([entry(1).key])[entry(1).key].hashed_at_ns == 9
    newer = entry(1, b"e" * 32, 10)
    cache.store([newer])
    assert cache.lookup([newer.key]) == {newer.key: newer} == read_anew(tmp_path / "cache.db", [1])
    cache.close()


def test_no_more_is_remembered_than_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_cache, "MOST_RECENT", 3)
    cache = HashCache(bytes(tmp_path / "cache.db"))
    for number in range(8):
        cache.store([entry(number)])
        assert len(cache._recent) <= 3
    cache.store([entry(number) for number in range(10, 20)])
    wanted = [entry(number).key for number in [*range(8), *range(10, 20)]]
    assert cache.lookup(wanted) == read_anew(tmp_path / "cache.db", [*range(8), *range(10, 20)])
    assert len(cache._recent) <= 3
    cache.close()
