"""What content files have: from the hash cache where a stat proves it, else by reading them."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from roard.db.hash_cache import CachedDigest
from roard.hashing.digest import EMPTY, Expected, FileDigest, Progress
from roard.hashing.stat_key import TICK_NS, is_distinct, is_settled
from roard.model import Content, StatKey
from roard.project import Project


class Wanted(NamedTuple):
    """Content to be identified: that which a file had when its key was taken."""

    file: Expected
    """Where the content should still be found."""
    changed_note: str
    """What to say when it is not there any more: "changed-by-job" or "changed-after"."""


def contents(project: Project, wanted: Sequence[Wanted], progress: Progress) -> list[Content]:
    """Returns for each the content that was used, never that which took its place. One pass over cache and files."""
    progress.expect(files=len(wanted), size=sum(item.file.key.size for item in wanted))
    cached = project.cache.lookup([item.file.key for item in wanted])
    settled = {key for key, entry in cached.items() if is_settled(key, entry.hashed_at_ns)}
    progress.add(files=sum(item.file.key in settled for item in wanted))
    unread = [item.file for item in wanted if item.file.key not in settled]
    _pass_clock_step(item.key for item in unread)
    results = project.hashing.digest_all(unread, progress)
    project.cache.store([entry for result in results if (entry := _cacheable(result))])
    read = iter(results)
    return [
        Content(cached[item.file.key].digest, item.file.key.size, "")
        if item.file.key in settled
        else _judge(item, next(read), cached.get(item.file.key))
        for item in wanted
    ]


def proven(project: Project, keys: Sequence[StatKey]) -> dict[StatKey, bytes]:
    """Returns the digests that the cache proves, without reading a file."""
    cached = project.cache.lookup(keys)
    return {key: entry.digest for key, entry in cached.items() if is_settled(key, entry.hashed_at_ns)}


def contents_now(project: Project, paths: Sequence[bytes], progress: Progress) -> list[Content]:
    """Returns for each absolute path the content of the regular file that is there now; "gone" when there is none."""
    keys = [_key_now(path) for path in paths]
    present = [
        Wanted(Expected(path, key, strict=True), "changed-after")
        for path, key in zip(paths, keys, strict=True)
        if key is not None
    ]
    found = iter(contents(project, present, progress))
    return [next(found) if key is not None else Content(b"", 0, "gone") for key in keys]


def _key_now(path: bytes) -> StatKey | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return StatKey.of_stat(found) if stat.S_ISREG(found.st_mode) else None


def _pass_clock_step(keys: Iterable[StatKey]) -> None:
    """Waits, 10 ms at most, until files written in this very moment would show a later change.

    Only then can the next job's record name what it read when it changes such a file in place.
    """
    newest = max((max(key.mtime_ns, key.ctime_ns) for key in keys), default=0)
    age = time.time_ns() - newest
    if 0 <= age <= TICK_NS:
        time.sleep((TICK_NS - age + 100_000) / 1e9)


def _cacheable(result: FileDigest | OSError) -> CachedDigest | None:
    if isinstance(result, OSError) or not result.digest or not result.stable:
        return None
    return CachedDigest(result.key, result.digest, result.hashed_at_ns)


def _judge(wanted: Wanted, result: FileDigest | OSError, cached: CachedDigest | None) -> Content:
    """Returns the digest just made, else one from before the content went away, else why there is none."""
    key = wanted.file.key
    if isinstance(result, FileDigest) and result.digest:
        return Content(result.digest, key.size, "")
    if cached is not None and is_distinct(key, cached.hashed_at_ns):
        return Content(cached.digest, key.size, "")
    replaced = wanted.changed_note == "changed-by-job"
    if replaced and key.size == 0:
        return Content(EMPTY, 0, "")
    if isinstance(result, FileDigest) or replaced:
        return Content(b"", key.size, wanted.changed_note)
    return Content(b"", key.size, "gone" if isinstance(result, FileNotFoundError) else "unreadable")
