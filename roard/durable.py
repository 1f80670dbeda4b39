"""What makes a name survive a power failure: the directory that holds it must reach the disk as well."""

from __future__ import annotations

import os


def sync_directory(path: bytes) -> None:
    """Writes the names in a directory to the disk. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
