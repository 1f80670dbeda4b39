"""What stands on disk now where something was recorded."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Mapping

from roar_proto.v1 import sessions_pb2 as pb

from roard.content import Wanted, contents, proven
from roard.hashing.digest import Expected, Progress
from roard.model import StatKey
from roard.paths import to_absolute
from roard.project import Project
from roard.query.graph import DiskFile

MISSING = DiskFile(exists=False, digest=b"")
DIFFERENT = DiskFile(exists=True, digest=b"")
UNREADABLE = DiskFile(exists=True, digest=b"", unreadable=True)


def look(project: Project, recorded: Mapping[bytes, Collection[int]]) -> dict[bytes, DiskFile]:
    """Returns what stands at each recorded path now; the values are the sizes of the contents to be compared with.

    A file of another size than all of them is known to differ. Others are hashed only when the cache does not know
    their stat key. Call it outside of a transaction: it may read a lot.
    """
    found: dict[bytes, DiskFile] = {}
    to_hash: dict[bytes, Expected] = {}
    for path, sizes in recorded.items():
        here = _standing_at(to_absolute(project.root, path))
        if here is None:
            found[path] = MISSING
        elif here.key.size not in sizes:
            found[path] = DIFFERENT
        else:
            to_hash[path] = here
    known = proven(project, [here.key for here in to_hash.values()])
    unknown: dict[bytes, Expected] = {}
    for (path, here), digest in zip(to_hash.items(), known, strict=True):
        if digest:
            found[path] = DiskFile(exists=True, digest=digest)
        else:
            unknown[path] = here
    wanted = [Wanted(here, "changed-after") for here in unknown.values()]
    for path, content in zip(unknown, contents(project, wanted, Progress()), strict=True):
        found[path] = DiskFile(exists=True, digest=content.digest) if content.digest else UNREADABLE
    return found


def state_of(digest: bytes, disk: DiskFile) -> pb.FileState.ValueType:
    """Returns how a file on disk stands to the content recorded for it; an empty digest is not known."""
    if not disk.exists:
        return pb.FILE_STATE_MISSING
    if not digest or disk.unreadable:
        return pb.FILE_STATE_UNKNOWN
    return pb.FILE_STATE_PRESENT if disk.digest == digest else pb.FILE_STATE_CHANGED


def _standing_at(path: bytes) -> Expected | None:
    """Returns the regular file at a path; None when there is none."""
    try:
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            # Whoever reads the path today gets the content that the link now leads to.
            path = os.path.realpath(path)
            found = os.lstat(path)
    except OSError:
        return None
    return Expected(path, StatKey.of_stat(found), strict=True) if stat.S_ISREG(found.st_mode) else None
