"""A directory with a short name."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A private directory; not in pytest's own folder, because a socket's path has about 100 bytes."""
    path = Path(tempfile.mkdtemp(prefix="roar-"))
    yield path
    shutil.rmtree(path)
