"""What content files have: from the hash cache where a stat proves it, else by reading them."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from roard.db.hash_cache import CachedDigest
from roard.hashing.digest import EMPTY, Expected, FileDigest, Progress, empty_content
from roard.hashing.stat_key import TICK_NS, is_distinct, is_settled
from roard.model import Content, Digest, StatKey
from roard.project import Project


class Wanted(NamedTuple):
    """Content to be identified: that which a file had when its key was taken."""

    file: Expected
    """Where the content should still be found."""
    changed_note: str
    """What to say when it is not there any more: "changed-by-job" or "changed-after"."""


def contents(
    project: Project, wanted: Sequence[Wanted], progress: Progress, algorithms: Sequence[str] = ()
) -> list[Content]:
    """Returns for each the content that was used, never that which took its place. One pass over cache and files.

    algorithms: those wanted beside BLAKE3. A file of which the cache does not know them all is read once more.
    """
    progress.expect(files=len(wanted), size=sum(item.file.key.size for item in wanted))
    cached = project.cache.lookup([item.file.key for item in wanted])
    known = _fully_known(cached, algorithms)
    progress.add(files=sum(item.file.key in known for item in wanted))
    unread = [item.file for item in wanted if item.file.key not in known]
    _pass_clock_step(item.key for item in unread)
    results = project.hashing.digest_all(unread, progress, algorithms)
    project.cache.store([entry for result in results if (entry := _cacheable(result, cached))])
    read = iter(results)
    return [
        _as_cached(cached[item.file.key], algorithms)
        if item.file.key in known
        else _judge(item, next(read), cached.get(item.file.key), algorithms)
        for item in wanted
    ]


def unknown(project: Project, wanted: Iterable[Expected], algorithms: Sequence[str]) -> list[Expected]:
    """Returns those files that contents() would have to read."""
    files = list(wanted)
    cached = project.cache.lookup([file.key for file in files])
    known = _fully_known(cached, algorithms)
    return [file for file in files if file.key not in known]


def proven(project: Project, keys: Sequence[StatKey]) -> list[bytes]:
    """Returns the digests that the cache proves, without reading a file; empty where it proves none."""
    cached = project.cache.lookup(keys)
    found = (cached.get(key) for key in keys)
    return [entry.digest if entry and is_settled(entry.key, entry.hashed_at_ns) else b"" for entry in found]


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


def keep(project: Project, results: Iterable[FileDigest]) -> None:
    """Puts digests that were made ahead of time into the cache."""
    made = list(results)
    cached = project.cache.lookup([result.key for result in made])
    project.cache.store([entry for result in made if (entry := _cacheable(result, cached))])


def _cacheable(result: FileDigest | OSError, cached: Mapping[StatKey, CachedDigest]) -> CachedDigest | None:
    """Returns what may be kept of a reading; cached: what was kept before, of which other algorithms' digests stay."""
    if isinstance(result, OSError) or not result.digest or not result.stable:
        return None
    before = cached.get(result.key)
    others = dict(before.others) if before and is_settled(result.key, before.hashed_at_ns) else {}
    others |= dict(result.others)
    kept = tuple(Digest(name, others[name]) for name in sorted(others))
    return CachedDigest(result.key, result.digest, result.hashed_at_ns, kept)


def _fully_known(cached: Mapping[StatKey, CachedDigest], algorithms: Sequence[str]) -> set[StatKey]:
    """Returns the keys of content of which everything that is wanted is known beyond doubt."""
    wanted = set(algorithms)
    return {
        key
        for key, entry in cached.items()
        if is_settled(key, entry.hashed_at_ns)
        and (not wanted or wanted.issubset(other.algorithm for other in entry.others))
    }


def _as_cached(entry: CachedDigest, algorithms: Sequence[str]) -> Content:
    others = tuple(other for other in entry.others if other.algorithm in algorithms)
    return Content(entry.digest, entry.key.size, "", others)


def _judge(
    wanted: Wanted, result: FileDigest | OSError, cached: CachedDigest | None, algorithms: Sequence[str]
) -> Content:
    """Returns the digest just made, else one from before the content went away, else why there is none."""
    key = wanted.file.key
    if isinstance(result, FileDigest) and result.digest:
        return Content(result.digest, key.size, "", result.others)
    if cached is not None and is_distinct(key, cached.hashed_at_ns):
        return _as_cached(cached, algorithms)
    replaced = wanted.changed_note == "changed-by-job"
    if replaced and key.size == 0:
        return Content(EMPTY, 0, "", empty_content(algorithms))
    if isinstance(result, FileDigest) or replaced:
        return Content(b"", key.size, wanted.changed_note)
    return Content(b"", key.size, "gone" if isinstance(result, FileNotFoundError) else "unreadable")
