"""Compares files of figures and settings value by value, where both contents can still be found."""

from __future__ import annotations

from collections.abc import Iterator

from roar_proto.v1 import diff_pb2 as pb

from roard.query.comparison.contents import Contents, Wanted
from roard.query.comparison.parameters import value_changes
from roard.query.comparison.values import MOST_BYTES, NoValues, has_values, read_values

MOST_FILES = 50
"""Files that are compared value by value."""
MOST_VALUES = 200
"""Values of one file that an answer lists."""


def compare_values(contents: Contents, response: pb.DiffResponse) -> None:
    """Adds the values that differ to the files that have such, or a note why there are none."""
    for number, change in enumerate(files_with_values(response)):
        if number >= MOST_FILES:
            change.values_note = f"only the first {MOST_FILES} files are compared by value"
        else:
            _compare(contents, change)


def files_with_values(response: pb.DiffResponse) -> Iterator[pb.FileChange]:
    """Yields the files whose values can be compared if their contents are found."""
    changes = [change for job in response.jobs for change in (*job.inputs, *job.outputs)]
    for change in (response.file, *changes):
        if change.kind == pb.CHANGE_KIND_CHANGED and has_values(change.path):
            yield change


def _compare(contents: Contents, change: pb.FileChange) -> None:
    if max(change.size_a, change.size_b) > MOST_BYTES:
        change.values_note = f"larger than {MOST_BYTES >> 10} KiB"
        return
    a = contents.find(Wanted(change.path, change.hash_a, change.size_a))
    b = contents.find(Wanted(change.path_b or change.path, change.hash_b, change.size_b))
    if a is None or b is None:
        gone = "both contents are" if a is None and b is None else f"the content of {'a' if a is None else 'b'} is"
        change.values_note = f"{gone} neither on disk nor in git any more"
        return
    try:
        changed = value_changes(read_values(change.path, a), read_values(change.path, b))
    except NoValues as problem:
        change.values_note = str(problem)
        return
    change.values.extend(changed[:MOST_VALUES])
    change.values_changed = len(changed)
