"""The version has one source."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from roar_client.version import version


def test_it_is_that_of_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["/nowhere"])
    assert version() == (Path(__file__).resolve().parents[3] / "VERSION").read_text().strip()


def test_an_installation_knows_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "roar-7.8.9.dist-info").mkdir()
    (tmp_path / "roar_client-1.0.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert version() == "7.8.9"
