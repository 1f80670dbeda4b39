"""Every truth program under every backend. README.md says what a case is; `runner.py` runs them without pytest."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from runner import BASE

from roar_truth.case_file import load_cases
from roar_truth.judge import Verdict
from roar_truth.stage import scratch
from roar_truth.tool import Tool, run_case

BACKENDS = ("ebpf", "preload", "ptrace")
CASES = {case.name: case for case in load_cases()}


@pytest.fixture(scope="module")
def reasons(module_daemon: Path) -> Mapping[str, str]:
    """Why backends do not work here, by name; empty for those that do."""
    assert module_daemon
    said = subprocess.run(["roar", "tracer", "check", "--json"], capture_output=True, text=True, check=False)
    return {tracer["name"]: tracer["reason"] or "" for tracer in json.loads(said.stdout)["tracers"]}


@pytest.fixture(scope="module")
def verdicts(request: pytest.FixtureRequest, reasons: Mapping[str, str]) -> Iterator[Mapping[str, Future[Verdict]]]:
    """The verdicts of the selected tests by their ids; a few cases run at a time."""
    roar = shutil.which("roar")
    assert roar is not None, "`roar` is not on PATH: run `make build`"
    selected = {item.name for item in request.session.items}
    with scratch(BASE) as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        template = Tool(roar, BACKENDS[0]).make_template(folder)
        yield {
            f"{backend}-{name}": pool.submit(run_case, case, Tool(roar, backend), folder, template)
            for backend in BACKENDS
            if not reasons[backend]
            for name, case in CASES.items()
            if f"{test_record_is_the_truth.__name__}[{backend}-{name}]" in selected
        }


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_record_is_the_truth(
    backend: str, name: str, verdicts: Mapping[str, Future[Verdict]], reasons: Mapping[str, str]
) -> None:
    if reasons[backend]:
        pytest.skip(f"{backend} does not work here: {reasons[backend]}")
    verdict = verdicts[f"{backend}-{name}"].result()
    if verdict.outcome == "skipped":
        pytest.skip("; ".join(verdict.problems))
    assert verdict.outcome in {"passed", "blind"}, f"{CASES[name].about}\n  " + "\n  ".join(verdict.problems)


def test_there_are_enough_cases_and_all_have_a_truth() -> None:
    assert len(CASES) >= 120
    assert all(case.before or case.setup or case.writes for case in CASES.values())
