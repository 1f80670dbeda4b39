"""What changed in the code, as `git diff` would print it, and what lies between the commits."""

from __future__ import annotations

from collections.abc import Iterable

from roar_proto.v1 import diff_pb2 as pb
from roar_proto.v1 import types_pb2

from roard.query.comparison.contents import MOST_BYTES, Contents, Wanted

MOST_PATCHES = 200
MOST_TEXT = 4 << 20
"""Bytes of all patches together."""
MOST_LISTED = 20
"""Commits."""


def commit_ranges(contents: Contents, jobs: Iterable[pb.JobDiff]) -> list[pb.CommitRange]:
    """Returns what lies between the commits of jobs and their counterparts, where they are not the same."""
    pairs = dict.fromkeys((job.a.git.commit, job.b.git.commit) for job in jobs if job.a.git.commit and job.b.git.commit)
    return [_range(contents, a, b) for a, b in pairs if a != b]


def _range(contents: Contents, a: str, b: str) -> pb.CommitRange:
    found = pb.CommitRange(commit_a=a, commit_b=b)
    if contents.history is None:
        found.problem = contents.problem or "the project is in no git repository any more"
        return found
    from roard.context.git_history import CommitGone

    try:
        between = contents.history.between(a, b)
    except CommitGone as gone:
        found.problem = f"commit {gone} is not in the repository any more"
        return found
    found.only_a_count, found.only_b_count = len(between.only_a), len(between.only_b)
    found.only_a.extend(pb.Commit(id=commit.id, summary=commit.summary) for commit in between.only_a[:MOST_LISTED])
    found.only_b.extend(pb.Commit(id=commit.id, summary=commit.summary) for commit in between.only_b[:MOST_LISTED])
    return found


def mark_dirty(contents: Contents, job: pb.JobDiff) -> None:
    """Marks the code of a job that is not what its commit has."""
    for change in job.code:
        change.dirty_a = contents.is_dirty(change.path, change.hash_a, job.a.git)
        change.dirty_b = contents.is_dirty(change.path_b or change.path, change.hash_b, job.b.git)


def patches(contents: Contents, jobs: Iterable[pb.JobDiff]) -> list[pb.Patch]:
    """Returns the patches of all code that differs, each pair of contents once, by path."""
    wanted: dict[tuple[bytes, bytes, bytes], tuple[pb.FileChange, pb.JobDiff]] = {}
    for job in jobs:
        # Without a counterpart there is nothing to compare; a file that has only moved is no other code.
        for change in job.code if job.HasField("a") and job.HasField("b") else ():
            if change.kind != pb.CHANGE_KIND_MOVED:
                wanted.setdefault((change.path, change.hash_a, change.hash_b), (change, job))
    found: list[pb.Patch] = []
    left = MOST_TEXT
    for number, key in enumerate(sorted(wanted)):
        change, job = wanted[key]
        patch = pb.Patch(path=change.path, hash_a=change.hash_a, hash_b=change.hash_b)
        if number >= MOST_PATCHES or left <= 0:
            patch.note = "left out, there are too many"
        else:
            _fill(contents, change, job, patch)
        left -= len(patch.text)
        found.append(patch)
    return found


def _fill(contents: Contents, change: pb.FileChange, job: pb.JobDiff, patch: pb.Patch) -> None:
    notes: list[str] = []
    a, b = None, None
    if change.kind != pb.CHANGE_KIND_ADDED:
        a = _content(contents, Wanted(change.path, change.hash_a, change.size_a), job.a.git, "a", notes)
    if change.kind != pb.CHANGE_KIND_REMOVED:
        b = _content(contents, Wanted(change.path, change.hash_b, change.size_b), job.b.git, "b", notes)
    patch.note = "; ".join(notes)
    missing_a = a is None and change.kind != pb.CHANGE_KIND_ADDED
    missing_b = b is None and change.kind != pb.CHANGE_KIND_REMOVED
    if not missing_a and not missing_b:
        patch.text = _patch(change.path, a, b)


def _content(contents: Contents, wanted: Wanted, git: types_pb2.GitState, side: str, notes: list[str]) -> bytes | None:
    """Returns what ran; else what its commit has, with a note that it stands in; else None, with a note why."""
    if wanted.size > MOST_BYTES:
        notes.append(f"that of {side} is larger than {MOST_BYTES >> 20} MiB")
        return None
    found = contents.find(wanted)
    if found is not None:
        return found
    committed = contents.committed(wanted.path, git) if git.commit else None
    if committed is None:
        notes.append(f"what {side} ran is neither on disk nor in git any more")
    else:
        notes.append(f"what {side} ran is gone: compared with its commit, which lacks its uncommitted changes")
    return committed


def _patch(path: bytes, a: bytes | None, b: bytes | None) -> bytes:
    import pygit2

    name = path.decode("utf-8", "replace")
    made = pygit2.Patch.create_from(a, b, name, name)
    return bytes(made.data)
