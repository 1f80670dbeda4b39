"""When a stat proves that a file's content has not changed."""

from __future__ import annotations

from roard.model import StatKey

SETTLED_NS = 2_000_000_000
"""Age at which a file's times tell every later change: no file system in use stamps more coarsely than 2 s."""
TICK_NS = 10_000_000
"""Age at which they do where stamps are fine: kernels take them from a clock that moves every 1 to 10 ms."""


def same_content(recorded: StatKey, now: StatKey, *, strict: bool) -> bool:
    """Returns whether a file still has the content that it had when `recorded` was taken.

    strict: the change time counts too. It must, unless the job is known to have left the content alone: renaming,
    linking and chmod move the change time as well.
    """
    same = recorded.dev == now.dev and recorded.ino == now.ino and recorded.size == now.size
    return same and recorded.mtime_ns == now.mtime_ns and (not strict or recorded.ctime_ns == now.ctime_ns)


def is_settled(key: StatKey, hashed_at_ns: int) -> bool:
    """Returns whether a digest made at that time may be used again for a file that shows the same key.

    A change within the same clock step as the last one leaves the stamps as they are, so a digest of a file that was
    changed shortly before proves nothing (git calls such an entry racy). A file from the future never settles.
    """
    return hashed_at_ns - max(key.mtime_ns, key.ctime_ns) >= SETTLED_NS


def is_distinct(key: StatKey, hashed_at_ns: int) -> bool:
    """Returns whether a digest made at that time is that of the key's content, on a file system with fine stamps.

    Weaker than is_settled: for content that is gone, where the choice is between this digest and none.
    """
    fine = key.mtime_ns % 1_000_000_000 != 0 and key.ctime_ns % 1_000_000_000 != 0
    return is_settled(key, hashed_at_ns) or (fine and hashed_at_ns - max(key.mtime_ns, key.ctime_ns) >= TICK_NS)
