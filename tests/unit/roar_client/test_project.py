"""Which project a directory belongs to; the same cases as in tracers/launcher/src/project.rs."""

from __future__ import annotations

from pathlib import Path

import pytest

from roar_client.errors import ClientError
from roar_client.project import find_root


def tree(top: Path, *files: str) -> Path:
    for name in files:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text("")
    return top.resolve()


def found(top: Path, cwd: str) -> str | None:
    root = find_root(bytes(top / cwd), bytes(top / "home"))
    return None if root is None else str(Path(root.decode()).relative_to(top))


def test_the_nearest_directory_upwards_wins(tmp_path: Path) -> None:
    top = tree(tmp_path, "p/.roar/roar.db", "p/q/.roar/config.toml", "p/q/r/file", "p/s/file")
    assert [found(top, cwd) for cwd in ("p/q/r", "p/q", "p/s", "p")] == ["p/q", "p/q", "p", "p"]
    assert found(top, ".") is None


def test_an_empty_roar_directory_or_a_file_of_that_name_is_no_project(tmp_path: Path) -> None:
    top = tree(tmp_path, "p/.roar/roar.db", "p/q/.roar/other", "p/s/.roar")
    assert (found(top, "p/q"), found(top, "p/s")) == ("p", "p")


def test_the_home_directory_is_a_project_only_with_a_database(tmp_path: Path) -> None:
    top = tree(tmp_path, "home/.roar/config.toml", "home/p/file", "home/q/.roar/config.toml")
    assert (found(top, "home/p"), found(top, "home/q")) == (None, "home/q")
    tree(tmp_path, "home/.roar/roar.db")
    assert found(top, "home/p") == "home"


def test_what_cannot_be_looked_at_is_said_and_not_taken_for_absent(tmp_path: Path) -> None:
    top = tree(tmp_path, "p/q/file")
    (top / "p/roar.db").symlink_to("roar.db")
    (top / "p/q/.roar").symlink_to(top / "p")
    with pytest.raises(ClientError) as caught:
        found(top, "p/q")
    assert caught.value.reason == "unreadable-project"
