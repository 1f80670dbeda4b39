"""`roar label`: what it says and refuses."""

from __future__ import annotations

import re

import pytest
from cli_kit import Cli, Recorder, check_snapshot, masked, validate


def test_screens(recorded: Recorder, cli: Cli) -> None:
    screens = []
    for words in (
        ("label", "show", "job", "@2"),
        ("label", "set", "job", "@2", "lr=0.1", "note=first try", "quality.f1=0.97", "quality.ok=true", 'zip="10115"'),
        ("label", "set", "job", "@2", "lr=0.1"),
        ("label", "set", "job", "@2", "quality=good"),
        ("label", "unset", "job", "@2", "quality.f1", "note"),
        ("label", "history", "job", "@2"),
        ("label", "cp", "job", "@2", "artifact", "models/svc.bin"),
        ("label", "set", "dag", "current", "paper=true"),
        ("show", "models/svc.bin"),
        ("label", "unset", "job", "@2", "nothing"),
        ("label", "set", "job", "@2", "nothing"),
    ):
        said = cli(*words)
        screens.append(f"$ roar {' '.join(words)}\n{said.out}{said.err}")
    text = masked("\n".join(screens), recorded)
    text = re.sub(r"(version [0-9])  [0-9].*", r"\1  <now>", text)
    check_snapshot("label", text)


@pytest.mark.usefixtures("recorded")
def test_documents(cli: Cli) -> None:
    for words in (
        ("label", "show", "job", "@1"),
        ("label", "set", "job", "@1", "a.b=1", "c=x"),
        ("label", "show", "job", "@1"),
        ("label", "history", "job", "@1"),
        ("label", "cp", "job", "@1", "dag", "current"),
        ("label", "unset", "dag", "current", "c"),
    ):
        said = cli(*words, "--json")
        assert (said.status, said.err) == (0, "")
        validate("label", said.json)
    for refs in ([], ["@1"], ["raw.csv"]):
        validate("show", cli("show", *refs, "--json").json)
    assert cli("show", "@1", "--json").json["labels"] == {"a": {"b": 1}, "c": "x"}
    assert cli("label", "show", "dag", "current", "--json").json["labels"] == {"a": {"b": 1}}


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (("set", "jb", "@1", "a=1"), 2, "usage"),
        (("set", "job", "@1"), 2, "usage"),
        (("set", "job", "@1", "a"), 2, "bad-label"),
        (("set", "job", "@1", "roar.a=1"), 2, "bad-label"),
        (("set", "job", "@9", "a=1"), 1, "no-such-step"),
        (("set", "artifact", "@1", "a=1"), 1, "no-such-artifact"),
        (("cp", "job", "@1", "job", "@2"), 1, "no-such-label"),
    ],
)
def test_what_is_refused(cli: Cli, words: tuple[str, ...], status: int, reason: str) -> None:
    said = cli("label", *words)
    assert (said.status, said.out) == (status, "")
    assert f"error[{reason}]" in said.err
