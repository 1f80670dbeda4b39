"""The pipeline for other programs: files, languages, pictures, old sessions."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from xml.etree import ElementTree as ET

import pytest
from cli_kit import Cli, Recorder, check_snapshot, masked, pipeline, validate

SVG = "{http://www.w3.org/2000/svg}"
ODD = '"a" <b> &amp; \\c `d` #e; é 数.csv'


def make_stale(recorded: Recorder) -> None:
    recorded.put({"models/svc.bin": "edited by hand"})
    (recorded.root / "reports/plot.png").unlink()


@pytest.mark.parametrize("form", ["dot", "mermaid", "svg"])
@pytest.mark.parametrize("files", [False, True])
def test_forms_look_like_this(recorded: Recorder, cli: Cli, form: str, *, files: bool) -> None:
    make_stale(recorded)
    said = cli("dag", "--format", form, *(["--show-artifacts"] if files else []))
    assert (said.status, said.err) == (0, "")
    check_snapshot(f"dag-{form}{'-artifacts' if files else ''}", masked(said.out, recorded))


@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")
def test_graphviz_reads_what_is_written_for_it(recorded: Recorder, cli: Cli) -> None:
    recorded.job([b"python", b"odd.py"], ["raw.csv"], {ODD: "x"})
    text = cli("dag", "--format", "dot", "--show-artifacts").out
    drawn = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, text=True, check=True)
    assert drawn.stderr == ""
    root = ET.fromstring(drawn.stdout)
    texts = {(text.text or "").replace("\xa0", " ") for text in root.iter(f"{SVG}text")}
    assert {"@1 preprocess.py", "@4 odd.py", ODD, "raw.csv"} <= texts
    assert len([group for group in root.iter(f"{SVG}g") if group.get("class") == "edge"]) == text.count("->")


def test_a_picture_has_every_step_and_odd_names_as_they_are(recorded: Recorder, cli: Cli) -> None:
    recorded.job([b"python", b"odd.py"], ["raw.csv"], {ODD: "x"})
    root = ET.fromstring(cli("dag", "--format", "svg", "--show-artifacts").out)
    texts = {text.text for text in root.iter(f"{SVG}text")}
    assert {"@1 preprocess.py", "@4 odd.py", ODD, "raw.csv"} <= texts


def test_the_name_of_the_file_says_the_form(recorded: Recorder, cli: Cli) -> None:
    for name in ("a.svg", "a.png", "a.dot", "a.mmd", "a.json", "a.txt"):
        said = cli("dag", "-o", name)
        assert (said.status, said.out, said.err) == (0, "", "")
    content = {name: (recorded.root / f"a.{name}").read_bytes() for name in ("svg", "png", "dot", "mmd", "json", "txt")}
    assert content["svg"].startswith(b"<svg ")
    assert content["dot"].startswith(b"digraph roar {")
    assert content["mmd"].startswith(b"flowchart TD")
    assert b"@1 preprocess.py" in content["txt"]
    validate("dag", json.loads(content["json"]))
    assert content["png"].startswith(b"\x89PNG")
    width, height = struct.unpack(">II", content["png"][16:24])
    assert width > 200
    assert height > 200


def test_an_old_session_is_shown_by_its_hash(recorder: Recorder, cli: Cli) -> None:
    pipeline(recorder)
    old = cli("dag", "--json").json["session"]["hash"]
    assert cli("reset", "-y").status == 0
    assert cli("dag").out.endswith("no steps yet: put roar run in front of a command\n")
    shown = cli("dag", "--json", "--session", old[:8]).json
    assert [step["step"] for step in shown["steps"]] == ["@1", "@2", "@3"]
    assert cli("dag", "--session", "ffffffff").status == 1


def test_what_cannot_be_written_is_said(cli: Cli) -> None:
    said = cli("dag", "-o", "no/such/dir/a.svg")
    assert (said.status, said.out) == (1, "")
    assert "error[file-not-written]: cannot write `no/such/dir/a.svg`" in said.err
    contradiction = cli("dag", "--json", "--format", "dot")
    assert contradiction.status == 2
    assert "contradict" in contradiction.err
    for words in (("-o", "a.jpg"), ("-o", "a.svg", "--json")):
        unknown = cli("dag", *words)
        assert (unknown.status, unknown.out) == (2, "")
        assert "stands for" in unknown.err


def test_only_what_is_stale_can_be_drawn(recorded: Recorder, cli: Cli) -> None:
    make_stale(recorded)
    assert cli("dag", "--stale-only", "--format", "mermaid").out.count("(") == 1
