"""What goes when the kept contents are too many, or of no use any more."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable

from roar_proto.v1 import cache_pb2 as pb

from roard.run_cache.objects import KeptObject, ObjectStore

_YOUNG_NS = 60 * 1_000_000_000
"""A content younger than this may be of a job that is about to be recorded."""


def trim(store: ObjectStore, wanted: Collection[bytes], limit: int, *, dry_run: bool) -> pb.TrimCacheResponse:
    """Removes what is not wanted, then the least recently used beyond the limit in bytes; dry_run: only counts.

    wanted: digests of all outputs that a job could be restored from.
    """
    young = time.time_ns() - _YOUNG_NS
    kept = list(store.list())
    unused = [known for known in kept if known.digest not in wanted and known.used_at_ns < young]
    excess = _excess([known for known in kept if known not in set(unused)], limit)
    if not dry_run:
        store.sweep()
        for known in (*unused, *excess):
            store.remove(known.digest)
    left = {*kept} - {*unused} - {*excess}
    return pb.TrimCacheResponse(unused=_sum(unused), excess=_sum(excess), kept=_sum(left), max_size=limit)


def trim_excess(store: ObjectStore, limit: int) -> None:
    """Removes the least recently used contents beyond a limit in bytes. One stat a content."""
    for known in _excess(list(store.list()), limit):
        store.remove(known.digest)


def _excess(kept: list[KeptObject], limit: int) -> list[KeptObject]:
    """Returns the oldest ones, as few as have to go."""
    total = sum(known.size for known in kept)
    excess = []
    for known in sorted(kept, key=lambda known: (known.used_at_ns, known.digest)):
        if total <= limit:
            break
        excess.append(known)
        total -= known.size
    return excess


def _sum(objects: Iterable[KeptObject]) -> pb.KeptObjects:
    sizes = [known.size for known in objects]
    return pb.KeptObjects(number=len(sizes), bytes=sum(sizes))
