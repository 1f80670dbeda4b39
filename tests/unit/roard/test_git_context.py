"""What git says, asked of real repositories."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from daemon_kit import git

from roard.context.git import changed_paths, open_repository, without_credentials


def changed(root: Path) -> list[bytes]:
    return sorted(changed_paths(bytes(root)))


def test_outside_git_there_is_no_repository(tmp_path: Path) -> None:
    assert open_repository(bytes(tmp_path.resolve())) is None


def test_commit_branch_and_remote(repository: Path) -> None:
    git(repository, "remote", "add", "origin", "https://ann:secret@example.org/p.git")
    opened = open_repository(bytes(repository))
    assert opened
    state = opened.state()
    assert len(state.commit) == 40
    assert state.branch == "main"
    assert state.remote == "https://example.org/p.git"
    assert not state.HasField("dirty")


def test_before_the_first_commit_there_is_a_branch_only(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "trunk")
    opened = open_repository(bytes(tmp_path.resolve()))
    assert opened
    assert (opened.state().commit, opened.state().branch) == ("", "trunk")


def test_a_detached_head_has_no_branch(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    opened = open_repository(bytes(repository))
    assert opened
    assert opened.state().branch == ""
    assert len(opened.state().commit) == 40


def test_a_project_may_lie_below_the_top_of_its_repository(repository: Path) -> None:
    below = repository / "sub"
    below.mkdir()
    (below / "model.py").write_text("")
    git(repository, "add", "-A")
    opened = open_repository(bytes(below))
    assert opened
    assert opened.is_tracked(bytes(below / "model.py"))
    assert opened.is_tracked(bytes(repository / "train.py"))


def test_tracked_and_ignored(repository: Path) -> None:
    opened = open_repository(bytes(repository))
    assert opened
    assert opened.is_tracked(bytes(repository / "train.py"))
    assert not opened.is_tracked(bytes(repository / "other.py"))
    assert not opened.is_tracked(b"/elsewhere/train.py")
    assert opened.is_ignored(bytes(repository / "data" / "x.py"))
    assert not opened.is_ignored(bytes(repository / "other.py"))


def test_names_that_are_not_utf8(repository: Path) -> None:
    name = os.fsencode(str(repository)) + b"/caf\xe9.py"
    with open(name, "wb"):
        pass
    git(repository, "add", "-A")
    opened = open_repository(bytes(repository))
    assert opened
    assert opened.is_tracked(name)
    assert not opened.is_ignored(name + b"x")
    assert changed(repository) == [b"caf\xe9.py"]


def test_a_clean_tree_has_no_changes_and_roars_own_files_are_none(repository: Path) -> None:
    (repository / ".gitignore").write_text("data/\n")
    git(repository, "commit", "-qam", "forget .roar")
    (repository / ".roar").mkdir()
    (repository / ".roar" / "roar.db").write_text("x")
    assert changed(repository) == []


def test_changed_untracked_renamed_and_removed_files_are_listed(repository: Path) -> None:
    (repository / "train.py").write_text("changed")
    (repository / "new file\n.py").write_text("")
    git(repository, "mv", "params.yaml", "settings.yaml")
    (repository / "data" / "ignored.csv").write_text("")
    assert changed(repository) == [b"new file\n.py", b"settings.yaml", b"train.py"]


def test_variables_of_a_git_hook_do_not_mislead(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert changed(repository) == []


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://token@example.org/a/b.git", "https://example.org/a/b.git"),
        ("https://ann:pa@ss@example.org/a", "https://example.org/a"),
        ("https://example.org/a@b", "https://example.org/a@b"),
        ("ssh://git:secret@example.org:22/a", "ssh://git@example.org:22/a"),
        ("git+ssh://git:se@cret@example.org/a", "git+ssh://git@example.org/a"),
        ("git@example.org:a/b.git", "git@example.org:a/b.git"),
        ("/srv/git/a", "/srv/git/a"),
    ],
)
def test_a_remote_keeps_no_credentials(url: str, kept: str) -> None:
    assert without_credentials(url) == kept
