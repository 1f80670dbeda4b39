"""When a digest may be used again: never for content that it was not made from."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roard.hashing.stat_key import SETTLED_NS, TICK_NS, is_distinct, is_settled, same_content
from roard.model import StatKey

KEY = StatKey(dev=1, ino=2, size=3, mtime_ns=5_000_000_001, ctime_ns=5_000_000_002)


@pytest.mark.parametrize("field", StatKey._fields)
def test_strict_comparison_sees_every_field(field: str) -> None:
    other = KEY._replace(**{field: getattr(KEY, field) + 1})
    assert same_content(KEY, KEY, strict=True)
    assert not same_content(KEY, other, strict=True)


def test_a_rename_or_chmod_changes_only_the_change_time() -> None:
    assert same_content(KEY, KEY._replace(ctime_ns=9), strict=False)
    assert not same_content(KEY, KEY._replace(mtime_ns=9), strict=False)


@dataclass
class Disk:
    """A file on a file system whose clock moves in steps: two writes within one step have the same stamps."""

    step_ns: int
    content: int = 0
    stamp: int = 0

    def write(self, at_ns: int) -> None:
        self.content += 1
        self.stamp = at_ns // self.step_ns * self.step_ns

    @property
    def key(self) -> StatKey:
        return StatKey(1, 1, 7, self.stamp, self.stamp)


@given(
    step_ns=st.sampled_from([1_000_000, 4_000_000, 10_000_000, 1_000_000_000, 2_000_000_000]),
    events=st.lists(st.tuples(st.integers(0, 3_000_000_000), st.booleans()), min_size=1, max_size=30),
)
def test_a_settled_digest_is_never_that_of_other_content(step_ns: int, events: list[tuple[int, bool]]) -> None:
    """Writes and hashes at any times, on file systems of any granularity: the cache never lies."""
    disk, now = Disk(step_ns), 1_700_000_000_123_456_789
    cached: dict[StatKey, tuple[int, int]] = {}
    disk.write(now)
    for wait_ns, is_write in events:
        now += wait_ns
        if is_write:
            disk.write(now)
        else:
            cached[disk.key] = (disk.content, now)
        known = cached.get(disk.key)
        if known and is_settled(disk.key, known[1]):
            assert known[0] == disk.content


@given(
    step_ns=st.sampled_from([1_000_000, 4_000_000, 9_999_999]),
    events=st.lists(st.tuples(st.integers(0, 50_000_000), st.booleans()), min_size=1, max_size=30),
)
def test_a_distinct_digest_is_never_that_of_other_content_where_stamps_are_fine(
    step_ns: int, events: list[tuple[int, bool]]
) -> None:
    disk, now = Disk(step_ns), 1_700_000_000_123_456_789
    cached: dict[StatKey, tuple[int, int]] = {}
    disk.write(now)
    for wait_ns, is_write in events:
        now += wait_ns
        if is_write:
            disk.write(now)
        else:
            cached[disk.key] = (disk.content, now)
        known = cached.get(disk.key)
        if known and is_distinct(disk.key, known[1]):
            assert known[0] == disk.content


def test_stamps_in_whole_seconds_need_the_full_age() -> None:
    coarse = KEY._replace(mtime_ns=5_000_000_000, ctime_ns=5_000_000_000)
    assert not is_distinct(coarse, coarse.mtime_ns + TICK_NS)
    assert is_distinct(coarse, coarse.mtime_ns + SETTLED_NS)


def test_a_file_from_the_future_never_settles() -> None:
    assert not is_settled(KEY, KEY.mtime_ns - 86_400_000_000_000)
