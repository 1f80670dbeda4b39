"""An open project: what record, query and supervision work on. `projects.py` opens and closes them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from roard.config import Settings
from roard.config_file import load_settings
from roard.db.hash_cache import HashCache
from roard.db.store import Store
from roard.hashing.pool import HashPool


@dataclass(frozen=True)
class Project:
    """One project whose database is open, migrated and checked. Shared by all threads."""

    root: bytes
    """Absolute and resolved: the directory that holds `.roar/`."""
    store: Store
    """The lineage database: `with project.store.read() as session:`, `with project.store.write() as session:`."""
    cache: HashCache
    """Digests by stat key, in a file of its own."""
    hashing: HashPool
    """Reads files and digests them in threads; shared by all projects of the daemon."""

    trash_lock: threading.Lock = field(default_factory=threading.Lock)
    """Held by whoever moves files into `.roar/trash`, or out of it."""

    def settings(self) -> Settings:
        """Returns the project's settings, read anew: config.toml is the user's to edit. Raises ConfigError."""
        return load_settings(self.root)
