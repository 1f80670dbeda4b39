"""Fixtures: an open project in this process, with and without git."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon_kit import git

from roard.hashing.pool import HashPool
from roard.project import Project
from roard.projects import Projects


@pytest.fixture
def projects() -> Iterator[Projects]:
    """Opens projects, and closes them after the test."""
    pool = HashPool()
    opened = Projects(pool)
    yield opened
    opened.close()
    pool.close()


@pytest.fixture
def opened(tmp_path: Path, projects: Projects) -> Project:
    """An open project outside git."""
    root = tmp_path.resolve() / "project"
    root.mkdir()
    projects.init(bytes(root))
    return projects.open(bytes(root))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with one commit: `train.py` and `params.yaml` are tracked, `data/` is ignored."""
    root = tmp_path.resolve() / "project"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    (root / ".gitignore").write_text(".roar/\ndata/\n")
    (root / "train.py").write_text("print('train')\n")
    (root / "params.yaml").write_text("lr: 1\n")
    (root / "data").mkdir()
    git(root, "add", "-A")
    git(root, "commit", "-qm", "start")
    return root


@pytest.fixture
def opened_in_git(repository: Path, projects: Projects) -> Project:
    """An open project in that repository."""
    projects.init(bytes(repository))
    return projects.open(bytes(repository))
