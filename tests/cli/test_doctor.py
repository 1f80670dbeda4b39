"""`roar doctor`: what it prints of made-up findings, and the whole of it on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cli_kit import check_snapshot, validate
from daemon_kit import wait_for
from roar_proto.v1 import tracers_pb2

from roar_client.capture import Row, chosen_cases
from roar_client.findings import Finding, Installation
from roar_client.output.doctor import advice_lines, doctor_document, finding_lines, is_well, matrix_lines
from roar_client.output.text import show
from roar_truth.case_file import load_cases
from roar_truth.judge import Verdict

WELL = Installation(
    [Finding("programs", "ok", "roar 0.2.0 and roar-py, in /opt/roar/bin"), Finding("ptrace", "ok", "works")],
    [tracers_pb2.Tracer(name="ptrace", usable=True, picked_by_auto=True)],
)
ILL = Installation(
    [
        *WELL.findings,
        Finding("ebpf", "note", "does not work: EPERM at load", "run `roar tracer setup ebpf`"),
        Finding("daemon", "wrong", "roard 0.1.0 (pid 7) is running, this is roar 0.2.0", "run `roar daemon restart`"),
    ],
    WELL.tracers,
)


def row(name: str, **outcomes: str) -> Row:
    case = replace(load_cases("py_open_modes")[0], source=Path(f"{name}.py"))
    problems = {"failed": ("missed input: 'in.txt'", "false output: 'out.txt'"), "skipped": ("needs root",)}
    problems["blind"] = ("missed input: 'ring.txt'",)
    verdicts = {backend: Verdict(name, outcome, problems.get(outcome, ())) for backend, outcome in outcomes.items()}
    return Row(case, verdicts)


ROWS = [
    row("one", preload="passed", ptrace="passed"),
    row("two", preload="failed", ptrace="blind"),
    row("three", preload="skipped", ptrace="skipped"),
]


def printed(installation: Installation, rows: list[Row], *, verbose: bool) -> str:
    lines = [*finding_lines(installation.findings), *matrix_lines(rows, ["preload", "ptrace"], verbose=verbose)]
    return "\n".join(
        "".join(span.text for span in line).rstrip() for line in [*lines, *advice_lines(installation, rows)]
    )


@pytest.mark.parametrize("verbose", [False, True])
def test_findings_matrix_differences_and_advice(*, verbose: bool) -> None:
    check_snapshot("doctor-verbose" if verbose else "doctor", printed(ILL, ROWS, verbose=verbose) + "\n")


def test_what_is_well_needs_no_advice(capsys: pytest.CaptureFixture[str]) -> None:
    show(advice_lines(WELL, ROWS[:1]))
    assert capsys.readouterr().out == "\nwhat to do\n  nothing: everything works\n"


@pytest.mark.parametrize(
    ("installation", "rows", "well"), [(WELL, ROWS[:1], True), (WELL, ROWS[1:2], False), (ILL, [], False)]
)
def test_well_is_where_nothing_is_wrong(installation: Installation, rows: list[Row], *, well: bool) -> None:
    assert is_well(installation, rows) == well
    validate("doctor", {"schema": "roar/1", "type": "doctor", **doctor_document(installation, rows)})


def test_a_few_dozen_cases_are_chosen() -> None:
    assert 40 <= len(chosen_cases()) <= 100


@pytest.fixture
def places(tmp_path: Path, daemon: Path) -> dict[str, str]:
    """Variables by which everything that a doctor makes lies in two folders of the test."""
    assert daemon
    (tmp_path / "t").mkdir()
    return {**os.environ, "TMPDIR": str(tmp_path / "t"), "XDG_CACHE_HOME": str(tmp_path / "cache")}


def left(places: dict[str, str]) -> list[str]:
    made = [*Path(places["TMPDIR"]).iterdir(), *Path(places["XDG_CACHE_HOME"]).glob("roar/*")]
    return [str(path) for path in made]


def test_this_machine_is_well_and_nothing_is_left(places: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        ["roar", "doctor", "--tracer", "ptrace", "--json"],
        cwd=tmp_path,
        env=places,
        capture_output=True,
        text=True,
        check=False,
    )
    document = json.loads(done.stdout)
    validate("doctor", document)
    wrong = [
        (case["name"], case["verdicts"])
        for case in document["cases"]
        if case["verdicts"]["ptrace"]["verdict"] == "wrong"
    ]
    assert (done.returncode, document["ok"], wrong, done.stderr) == (0, True, [], "")
    assert len(document["cases"]) == len(chosen_cases())
    assert left(places) == []


def test_ctrl_c_leaves_nothing(places: dict[str, str], tmp_path: Path) -> None:
    doctor = subprocess.Popen(
        ["roar", "doctor", "--tracer", "ptrace"], cwd=tmp_path, env=places, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_for(lambda: list(tmp_path.glob("cache/roar/doctor-*/run-*/case-*")), "the first case")
    os.killpg(doctor.pid, signal.SIGINT)
    assert doctor.wait(60) == 130
    assert left(places) == []
