"""Where a project keeps its database and what belongs to it, and the backups that are there."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from roar_proto.v1 import database_pb2 as pb

_REPLACED = re.compile(rb"replaced-.*\.db")
_BACKUP = re.compile(rb".*\.db")


@dataclass(frozen=True)
class Places:
    """The paths of one project; absolute."""

    root: bytes

    @property
    def roar_dir(self) -> bytes:
        return os.path.join(self.root, b".roar")

    @property
    def database(self) -> bytes:
        return os.path.join(self.roar_dir, b"roar.db")

    @property
    def cache(self) -> bytes:
        return os.path.join(self.roar_dir, b"cache.db")

    @property
    def backup_dir(self) -> bytes:
        return os.path.join(self.roar_dir, b"backups")

    def backups(self) -> list[pb.DatabaseBackup]:
        """Returns what lies in the backup directory, newest first."""
        try:
            names = [name for name in os.listdir(self.backup_dir) if _BACKUP.fullmatch(name)]
        except OSError:
            return []
        found = [backup_at(os.path.join(self.backup_dir, name)) for name in names]
        return sorted(found, key=lambda backup: (backup.made_at_ns, backup.path), reverse=True)

    def size(self) -> int:
        """Returns what database, log, hash cache and backups take on disk, in bytes."""
        files = [place + suffix for place in (self.database, self.cache) for suffix in (b"", b"-wal")]
        return sum(map(size_of, files)) + sum(backup.size for backup in self.backups())


def backup_at(path: bytes) -> pb.DatabaseBackup:
    """Returns what the file system says of a backup; of one that is gone, a size of 0."""
    replaced = bool(_REPLACED.fullmatch(os.path.basename(path)))
    try:
        made_at_ns = os.stat(path).st_mtime_ns
    except OSError:
        made_at_ns = 0
    return pb.DatabaseBackup(path=path, size=size_of(path), made_at_ns=made_at_ns, replaced=replaced)


def size_of(path: bytes) -> int:
    """Returns the size of a file in bytes; 0: there is none."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
