"""Edges and staleness of the steps of a session: pure functions over what the latest jobs read and everybody wrote.

A step is stood for by its latest job. Job ids are the order of recording. Files are the same content when their digests
are equal; an empty digest is content that nobody knows. Updating a file in place makes a new *version* of it: whoever
read an older version is not stale by that, and nobody is the parent of itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import NamedTuple

from roard.errors import shown


class Read(NamedTuple):
    """A file that the latest job of a step read."""

    path: bytes
    digest: bytes
    size: int
    code: bool
    removed: bool = False
    """By the job itself, or moved away by it."""


class Write(NamedTuple):
    """A file that some job of the session wrote."""

    path: bytes
    digest: bytes
    job: int
    step: int
    over: bytes | None
    """Digest of what the same job read at this path; None when it did not read it."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step and what its latest job read."""

    id: int
    label: str
    """"@3"."""
    job: int
    reads: tuple[Read, ...]


class DiskFile(NamedTuple):
    """What stands at a path now."""

    exists: bool
    digest: bytes
    """Empty: not known, and certainly none of those that it was to be compared with, unless `unreadable`."""
    unreadable: bool = False


class Edge(NamedTuple):
    """A step that read what another one made."""

    parent: int
    child: int
    job: int
    """The job of the parent that made it."""


def parents(steps: Sequence[Step], writes: Mapping[bytes, Sequence[Write]]) -> dict[int, set[int]]:
    """Returns the parents of every step, by step id, without a cycle.

    Steps can feed each other in a circle over time (train reads the state that tune wrote, tune the model that train
    wrote). Edges from an older to a newer latest job cannot close one and stand; of the others those that would close
    one are left out, the oldest first.
    """
    latest = {step.id: step.job for step in steps}
    edges = [edge for step in steps for edge in _edges_into(step, writes)]
    forward = [edge for edge in edges if latest[edge.parent] < latest[edge.child]]
    backward = sorted(set(edges) - set(forward), key=lambda edge: (-edge.job, edge.parent, edge.child))
    found: dict[int, set[int]] = {step.id: set() for step in steps}
    for edge in forward:
        found[edge.child].add(edge.parent)
    for edge in backward:
        if not is_above(found, edge.child, edge.parent):
            found[edge.child].add(edge.parent)
    return found


def _edges_into(step: Step, writes: Mapping[bytes, Sequence[Write]]) -> list[Edge]:
    made = (producer(read, step, writes[read.path]) for read in step.reads if read.path in writes)
    return [Edge(write.step, step.id, write.job) for write in made if write]


def producer(read: Read, step: Step, writes: Sequence[Write]) -> Write | None:
    """Returns the write of another step that a step read, from the writes at that path; None for a root input.

    By content first, the newest before the reader; else the newest before it, whatever was in it: somebody edited the
    file by hand in between, or its content is not known.
    """
    others = [write for write in writes if write.step != step.id]
    earlier = [write for write in others if write.job < step.job]
    same = [write for write in others if write.digest and write.digest == read.digest]
    for choice in ([write for write in same if write.job < step.job], same, earlier):
        if choice:
            return max(choice, key=lambda write: write.job)
    return None


def is_above(parents_of: Mapping[int, Collection[int]], upper: int, lower: int) -> bool:
    """Returns whether `upper` is `lower` or an ancestor of it."""
    seen, todo = set(), [lower]
    while todo:
        step = todo.pop()
        if step == upper:
            return True
        if step not in seen:
            seen.add(step)
            todo.extend(parents_of.get(step, ()))
    return False


def stale_reasons(
    steps: Sequence[Step],
    parents_of: Mapping[int, set[int]],
    writes: Mapping[bytes, Sequence[Write]],
    disk: Mapping[bytes, DiskFile],
) -> dict[int, list[str]]:
    """Returns why steps are stale, one sentence each, by step id; a step that is not stale has an empty list.

    disk: what stands there now, for the paths to be compared with the disk. A file that a job removed itself, after it
    or another one had read it, is not missing.
    """
    labels = {step.id: step.label for step in steps}
    place = {step.id: index for index, step in enumerate(steps)}
    removed = {read.path for step in steps for read in step.reads if read.removed}
    there = {path: file for path, file in disk.items() if file.exists or path not in removed}
    own = {step.id: _own_reasons(step, writes, there, labels) for step in steps}
    for step_id in TopologicalSorter(parents_of).static_order():
        stale = sorted((parent for parent in parents_of[step_id] if own[parent]), key=place.__getitem__)
        own[step_id] += [f"{labels[parent]} is stale" for parent in stale]
    return own


def _own_reasons(
    step: Step, writes: Mapping[bytes, Sequence[Write]], disk: Mapping[bytes, DiskFile], labels: Mapping[int, str]
) -> list[str]:
    reasons = []
    for read in step.reads:
        here = writes.get(read.path, ())
        on_disk = disk.get(read.path)
        if not here and on_disk and read.digest and on_disk.digest == read.digest:
            continue
        reason = _written_again(read, step, here, labels)
        if not reason and on_disk and not any(write.job == step.job for write in here):
            reason = _changed_on_disk(read, on_disk, here, labels)
        if reason:
            reasons.append(reason)
    return reasons


def _written_again(read: Read, step: Step, writes: Sequence[Write], labels: Mapping[int, str]) -> str:
    """Returns why the step is stale by what jobs wrote at this path after it; empty when it is not."""
    newest = max(writes, key=lambda write: write.job, default=None)
    known = read.digest or _content_before(step, writes)
    if newest is None or newest.job < step.job or not newest.digest or not known:
        return ""
    if newest.digest in versions(known, writes):
        return ""
    by = labels.get(newest.step, "another step")
    return f"`{shown(read.path)}` was written again by {by} ({known.hex()[:8]}, now {newest.digest.hex()[:8]})"


def _content_before(step: Step, writes: Sequence[Write]) -> bytes:
    """Returns the digest last written at a path before the step's job; empty when it is not known."""
    earlier = [write for write in writes if write.job < step.job]
    return max(earlier, key=lambda write: write.job).digest if earlier else b""


def _changed_on_disk(read: Read, on_disk: DiskFile, writes: Sequence[Write], labels: Mapping[int, str]) -> str:
    """Returns why the step is stale by what stands at the path now; empty when it is not."""
    name = shown(read.path)
    if not on_disk.exists:
        if not writes:
            return f"`{name}` is missing, and no step makes it"
        by = labels.get(max(writes, key=lambda write: write.job).step, "another step")
        return f"`{name}`, which {by} makes, is missing"
    if on_disk.unreadable or not read.digest or on_disk.digest in versions(read.digest, writes):
        return ""
    now = f"now {on_disk.digest.hex()[:8]}" if on_disk.digest else "now of another size"
    return f"`{name}` was changed ({read.digest.hex()[:8]}, {now})"


def versions(digest: bytes, writes: Iterable[Write]) -> Collection[bytes]:
    """Returns the content and everything that jobs made of it by updating the file in place."""
    following: dict[bytes, set[bytes]] = {}
    for write in writes:
        if write.over is not None:
            following.setdefault(write.over, set()).add(write.digest)
    found, todo = {digest}, [digest]
    while todo:
        for later in following.get(todo.pop(), set()) - found - {b""}:
            found.add(later)
            todo.append(later)
    return found
