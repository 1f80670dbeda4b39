"""How two lists of files differ: pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from roar_proto.v1 import diff_pb2 as pb
from roar_proto.v1 import jobs_pb2


@dataclass(frozen=True)
class Comparison:
    """What differs, and how much does not."""

    changes: list[pb.FileChange]
    """By path."""
    same: int


def compare_files(a: Iterable[jobs_pb2.JobFile], b: Iterable[jobs_pb2.JobFile]) -> Comparison:
    """Returns how the files of a job differ from those of its counterpart.

    A content that is only at one path in a and only at another in b has moved; empty files, all alike, never do.
    """
    before, after = {file.path: file for file in a}, {file.path: file for file in b}
    both = [path for path in before if path in after]
    changes = [change for path in both if (change := _change(before[path], after[path]))]
    gone = [file for path, file in before.items() if path not in after]
    new = [file for path, file in after.items() if path not in before]
    moved = _moved(gone, new)
    left_a, left_b = {old.path for old, _ in moved}, {fresh.path for _, fresh in moved}
    one_sided = [_one_sided(file, pb.CHANGE_KIND_REMOVED) for file in gone if file.path not in left_a]
    one_sided += [_one_sided(file, pb.CHANGE_KIND_ADDED) for file in new if file.path not in left_b]
    same = len(both) - len(changes)
    changes += [_moved_change(old, fresh) for old, fresh in moved] + one_sided
    return Comparison(sorted(changes, key=lambda change: change.path), same)


def _change(a: jobs_pb2.JobFile, b: jobs_pb2.JobFile) -> pb.FileChange | None:
    if a.hash and a.hash == b.hash:
        return None
    return file_change(a.path, (a.hash, a.size), (b.hash, b.size))


def file_change(path: bytes, a: tuple[bytes, int], b: tuple[bytes, int]) -> pb.FileChange:
    """Returns how a file differs, of each side its digest and size; without both digests nobody knows."""
    kind = pb.CHANGE_KIND_CHANGED if a[0] and b[0] else pb.CHANGE_KIND_UNKNOWN
    return pb.FileChange(kind=kind, path=path, hash_a=a[0], size_a=a[1], hash_b=b[0], size_b=b[1])


def _moved(
    gone: Sequence[jobs_pb2.JobFile], new: Sequence[jobs_pb2.JobFile]
) -> list[tuple[jobs_pb2.JobFile, jobs_pb2.JobFile]]:
    places: defaultdict[bytes, list[jobs_pb2.JobFile]] = defaultdict(list)
    for file in new:
        if file.hash and file.size:
            places[file.hash].append(file)
    return [(file, places[file.hash].pop(0)) for file in gone if places.get(file.hash)]


def _moved_change(a: jobs_pb2.JobFile, b: jobs_pb2.JobFile) -> pb.FileChange:
    return pb.FileChange(
        kind=pb.CHANGE_KIND_MOVED,
        path=a.path,
        path_b=b.path,
        hash_a=a.hash,
        hash_b=b.hash,
        size_a=a.size,
        size_b=b.size,
    )


def _one_sided(file: jobs_pb2.JobFile, kind: pb.ChangeKind.ValueType) -> pb.FileChange:
    if kind == pb.CHANGE_KIND_ADDED:
        return pb.FileChange(kind=kind, path=file.path, hash_b=file.hash, size_b=file.size)
    return pb.FileChange(kind=kind, path=file.path, hash_a=file.hash, size_a=file.size)
