"""A fresh project for every test."""

from __future__ import annotations

import pytest
from query_lab import Lab

from roard.project import Project


@pytest.fixture
def lab(opened: Project) -> Lab:
    """An initialised project without jobs."""
    return Lab(opened)
