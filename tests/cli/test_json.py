"""What `--json` prints: valid by docs/schema, complete, exact where text cannot be."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from cli_kit import COMMIT, SCHEMAS, Cli, FixedRun, Recorder, validate
from daemon_kit import Daemon, read_of, write_of
from jsonschema import Draft202012Validator
from roar_proto.v1 import types_pb2

ODD = b"caf\xe9.csv"


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
def test_schemas_are_schemas(path: Path) -> None:
    Draft202012Validator.check_schema(json.loads(path.read_text()))


@pytest.fixture
def odd(recorded: Recorder) -> Recorder:
    """A project with everything that is rare: bytes that are no text, no hash, signals, warnings, a stale step."""
    (recorded.root / os.fsdecode(ODD)).write_text("x")
    recorded.job(
        [b"python", b"plot.py", b"--title", ODD],
        [os.fsdecode(ODD)],
        {os.fsdecode(b"pl\xf6t.svg"): "svg"},
        outside=["/etc/passwd"],
        interrupted_by=2,
        warnings=[types_pb2.Warning(code="io-uring", message="not seen")],
    )
    recorded.put({"raw.csv": "edited"})
    return recorded


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("show", ("show", "@1")),
        ("show", ("show", "@4", "--dropped")),
        ("show", ("show",)),
        ("show", ("show", "raw.csv")),
        ("show", ("show", "models/svc.bin")),
        ("log", ("log",)),
        ("status", ("status",)),
        ("dag", ("dag",)),
        ("dag", ("dag", "--expanded", "--stale-only")),
        ("rerun", ("rerun", "--stale", "--dry-run")),
        ("sessions", ("session", "list")),
        ("show", ("session", "show")),
        ("lineage", ("lineage", "reports/metrics.json")),
        ("lineage", ("lineage", "reports/metrics.json", "--depth", "1")),
        ("lineage", ("lineage", "raw.csv")),
        ("lineage", ("lineage", "@4")),
        ("search", ("search", "csv")),
        ("search", ("search", "nowhere")),
        ("diff", ("diff", "@1", "@4")),
        ("diff", ("diff", "raw.csv", "models/svc.bin")),
        ("diff", ("diff", "@4", "@4")),
        ("inputs", ("inputs",)),
        ("inputs", ("inputs", "reports/metrics.json", "--all")),
        ("inputs", ("inputs", "@4", "--direct")),
        ("inputs", ("inputs", "raw.csv")),
        ("daemon", ("daemon", "status")),
    ],
)
def test_real_output_is_valid(odd: Recorder, cli: Cli, schema: str, words: tuple[str, ...]) -> None:
    said = cli(*words, "--json")
    assert (said.status, said.err, odd.root.exists()) == (0, "", True)
    validate(schema, said.json)


def test_a_job_has_at_least_what_scripts_rely_on(recorded: Recorder, cli: Cli) -> None:
    (recorded.root / "data/deep").mkdir()
    job = cli("show", "--json", "@1", cwd=recorded.root / "data/deep").json
    assert (job["type"], job["id"], job["step"], job["name"]) == ("job", recorded.uids[0], "@1", "preprocess.py")
    assert (job["kind"], job["command"], job["cwd"]) == ("run", ["python", "preprocess.py"], ".")
    assert (job["status"], job["exit_code"], job["exit_signal"], job["tracer"]) == ("ok", 0, None, "ptrace")
    assert (job["started_at"], job["duration_s"]) == ("2023-11-14T22:13:20.000000Z", 0.005)
    assert (job["git"]["commit"], job["git"]["branch"], job["git"]["dirty"]) == (COMMIT, "main", True)
    assert [file["path"] for file in job["inputs"]] == ["config.json", "raw.csv"]
    assert [(file["path"], file["size"], file["created"]) for file in job["outputs"]] == [
        ("data/test.csv", 2, True),
        ("data/train.csv", 2, True),
    ]
    assert all(len(file["hash"]) == 64 for file in job["inputs"] + job["outputs"])
    assert (job["warnings"], job["dropped"], len(job["processes"])) == ([], {}, 2)
    assert (job["complete"], job["events_lost"], job["seen_by"]) == (True, 0, {"ptrace": 2})


def test_bytes_that_are_no_text_have_exact_companions(odd: Recorder, cli: Cli) -> None:
    job = cli("show", odd.uids[3], "--json").json
    assert job["inputs"][0]["path"] == "caf\ufffd.csv"
    assert base64.b64decode(job["inputs"][0]["path_b64"]) == ODD
    assert job["command"][3] == "caf\ufffd.csv"
    assert [base64.b64decode(word) for word in job["command_b64"]][2:] == [b"--title", ODD]
    assert (job["status"], job["exit_code"], job["exit_signal"]) == ("interrupted", None, 2)
    assert (job["warnings"], job["complete"]) == (["io-uring: not seen"], False)
    plain = cli("show", "@1", "--json").json
    assert "path_b64" not in plain["inputs"][0]
    assert "command_b64" not in plain


def test_a_reference_may_be_bytes_that_are_no_text(odd: Recorder, cli: Cli) -> None:
    said = cli("show", os.fsdecode(ODD), "--json")
    assert said.status == 0
    assert [use["job"] for use in said.json["uses"]] == [odd.uids[3]]


def test_what_was_left_out_is_counted_by_rule_and_listed_on_request(odd: Recorder, cli: Cli) -> None:
    job = cli("show", "@4", "--json").json
    assert (job["dropped"], job["dropped_count"], "dropped_files" in job) == ({"system": 1}, 1, False)
    assert cli("show", "@4", "--json", "--dropped").json["dropped_files"] == [
        {"path": "/etc/passwd", "rule": "system", "written": False}
    ]
    assert odd.uids


def test_content_that_could_not_be_hashed_is_null_with_the_reason(
    recorder: Recorder, cli: Cli, shared_daemon: Daemon
) -> None:
    recorder.put({"state.db": "before"})
    path = recorder.root / "state.db"
    read = read_of(path, replaced=True)
    path.write_text("after, longer")
    run = FixedRun(recorder.root).seal([read], [write_of(path, created=False)])
    shared_daemon.finish(run)
    job = cli("show", "@1", "--json").json
    assert (job["inputs"][0]["hash"], job["inputs"][0]["hash_note"]) == (None, "changed-by-job")
    assert (job["outputs"][0]["path"], job["outputs"][0]["created"]) == ("state.db", False)
    validate("show", job)


def test_the_graph_names_steps_by_their_parents_and_files_by_their_ends(recorded: Recorder, cli: Cli) -> None:
    dag = cli("dag", "--json").json
    assert {step["step"]: step["parents"] for step in dag["steps"]} == {"@1": [], "@2": ["@1"], "@3": ["@1", "@2"]}
    files = {file["path"]: (file["producer"], file["consumers"], file["state"]) for file in dag["files"]}
    assert files["data/test.csv"] == ("@1", ["@3"], "present")
    assert files["raw.csv"] == (None, ["@1"], "present")
    assert len(recorded.uids) == dag["session"]["jobs"]


def test_lineage_edges_join_jobs_by_files(recorded: Recorder, cli: Cli) -> None:
    lineage = cli("lineage", "reports/metrics.json", "--json").json
    one, two, three = recorded.uids
    assert [job["id"] for job in lineage["jobs"]] == [three, two, one]
    assert {(edge["producer"], edge["consumer"], edge["path"]) for edge in lineage["edges"]} == {
        (one, two, "data/train.csv"),
        (one, three, "data/test.csv"),
        (two, three, "models/svc.bin"),
    }
