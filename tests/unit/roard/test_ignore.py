"""`.roarignore`: what a line fits, what the commands write there, and what a record makes of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from roard.errors import BadIgnoreRule
from roard.ignore import IgnoreRules, read_rules
from roard.ignore_edit import HEADER, change_rules

ROOT = b"/home/ann/p"


def verdict(text: str | bytes, path: str | bytes) -> str:
    """Returns what the last line that fits says of a path, in the project unless it is absolute."""
    text = text.encode() if isinstance(text, str) else text
    path = path.encode() if isinstance(path, str) else path
    rule = IgnoreRules(ROOT, text).rule_of(path if path.startswith(b"/") else ROOT + b"/" + path)
    return f"{'counted' if rule.tracks else 'out'} {rule.line}" if rule else ""


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ("*.log", "a/b/c.log", "out 1"),
        ("/*.log", "a/b.log", ""),
        ("logs/", "a/logs/b/c", "out 1"),
        ("logs/", "logs", ""),
        ("a/**/z", "a/b/c/z", "out 1"),
        ("data/[0-9]*.csv", "data/7.csv", "out 1"),
        ("# *.log\n\n   \n*.log", "c.log", "out 4"),
        ("\\#x", "#x", "out 1"),
        ("*.log\n!keep.log", "keep.log", "counted 2"),
        ("!keep.log\n*.log", "keep.log", "out 2"),
        ("/data/\n!/data/x.csv", "data/x.csv", "counted 2"),
        ("!/data/x.csv\n/data/", "data/x.csv", "out 2"),
        ("/data/", "/data/x.csv", ""),
        ("*.csv", "/data/x.csv", ""),
        ("//data/", "/data/x.csv", "out 1"),
        ("//data/", "data/x.csv", ""),
        ("!//opt/models/**/*.pt", "/opt/models/a/b.pt", "counted 1"),
        (b"caf\xe9?", b"caf\xe9s", "out 1"),
        ("café", "café", "out 1"),
        ("*.log\r\nlogs/\r\n", "a.log", "out 1"),
    ],
)
def test_the_last_line_that_fits_decides(text: str | bytes, path: str | bytes, said: str) -> None:
    assert verdict(text, path) == said


def test_what_is_no_pattern_decides_nothing_and_is_named() -> None:
    rules = IgnoreRules(ROOT, b"!\n*.log\n[a\n/\n")
    assert rules.what_is_wrong() == ".roarignore:1 `!`, .roarignore:3 `[a`, .roarignore:4 `/`"
    assert [rule.text for rule in rules.rules] == [b"*.log"]


class Tree:
    """A project on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("data/sub/x.csv", "odd [1]*.csv", "!bang", "#hash", "end "):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text("")

    def __call__(self, *targets: str, cwd: str = "", track: bool = False) -> list[bytes]:
        """Returns the lines of the file afterwards, without the header."""
        root = bytes(self.root)
        change_rules(root, bytes(self.root / cwd), [os.fsencode(target) for target in targets], track=track)
        path = self.root / ".roarignore"
        return path.read_bytes().removeprefix(HEADER).splitlines() if path.exists() else []

    def is_out(self, path: str) -> bool:
        rule = read_rules(bytes(self.root)).rule_of(bytes(self.root / path))
        return rule is not None and not rule.tracks


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path.resolve())


@pytest.mark.parametrize(
    ("target", "cwd", "line"),
    [
        ("data", "", b"/data/"),
        ("data/", "", b"/data/"),
        ("x.csv", "data/sub", b"/data/sub/x.csv"),
        ("../sub", "data/sub", b"/data/sub/"),
        ("gone.csv", "", b"/gone.csv"),
        ("gone/", "data", b"/data/gone/"),
        ("odd [1]*.csv", "", b"/odd \\[1]\\*.csv"),
        ("!bang", "", b"/!bang"),
        ("#hash", "", b"/#hash"),
        ("end ", "", b"/end\\ "),
        ("*.log", "", b"*.log"),
        ("*.log", "data", b"/data/**/*.log"),
        ("./sub/*", "data", b"/data/sub/*"),
        ("//data/*.csv", "", b"//data/*.csv"),
        ("/etc/hostname", "", b"//etc/hostname"),
    ],
)
def test_a_target_becomes_a_line_for_the_top_of_the_project(tree: Tree, target: str, cwd: str, line: bytes) -> None:
    assert tree(target, cwd=cwd) == [line]
    assert tree(target, cwd=cwd) == [line], "a second time changes nothing"


@pytest.mark.parametrize("name", ["odd [1]*.csv", "!bang", "#hash", "end ", "data/sub/x.csv"])
def test_a_file_of_any_name_is_fitted_by_the_line_made_for_it(tree: Tree, name: str) -> None:
    tree(name)
    assert tree.is_out(name)
    assert tree(name, track=True) == []
    assert not tree.is_out(name)


def test_track_takes_the_same_line_back_and_counts_in_spite_of_others(tree: Tree) -> None:
    assert tree("data", "*.log") == [b"/data/", b"*.log"]
    assert tree("data/sub/x.csv", track=True) == [b"/data/", b"*.log", b"!/data/sub/x.csv"]
    assert tree.is_out("data/sub/y.csv")
    assert not tree.is_out("data/sub/x.csv")
    assert tree("data", track=True) == [b"*.log", b"!/data/sub/x.csv"]
    assert tree("data/sub/x.csv") == [b"*.log", b"/data/sub/x.csv"]
    assert tree("*.log", track=True) == [b"/data/sub/x.csv"]
    assert tree("/etc/hostname", track=True) == [b"/data/sub/x.csv", b"!//etc/hostname"]


def test_other_lines_stay_as_they_are(tree: Tree) -> None:
    path = tree.root / ".roarignore"
    path.write_bytes(b"# mine\r\n\r\n  \n*.tmp")
    tree("data")
    assert path.read_bytes() == b"# mine\r\n\r\n  \n*.tmp\n/data/\n"
    tree("data", track=True)
    assert path.read_bytes() == b"# mine\r\n\r\n  \n*.tmp\n"


def test_a_link_stands_for_what_it_leads_to(tree: Tree) -> None:
    (tree.root / "link").symlink_to("data/sub")
    assert tree("link/x.csv") == [b"/data/sub/x.csv"]


@pytest.mark.parametrize("target", ["", ".", "..", "/", "!*.log", "!nowhere", "a\nb"])
def test_what_makes_no_sense_is_refused_and_nothing_written(tree: Tree, target: str) -> None:
    with pytest.raises(BadIgnoreRule):
        tree("data", target)
    assert not (tree.root / ".roarignore").exists()
