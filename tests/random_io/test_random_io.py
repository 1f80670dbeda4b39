"""Random programs under every backend: what is recorded is what the predictor says. README.md tells more."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from backend_kit import BACKENDS, need
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from io_generator import programs
from io_program import Program, parse
from io_recorder import FOLDER, Recorder, recorder
from io_run import differences, judge_all

COUNT = int(os.environ.get("ROAR_RANDOM_PROGRAMS", "2000"))
SEED = int(os.environ.get("ROAR_RANDOM_SEED", "0"))
"""Of the first program; each has the next one."""
EXAMPLES = 25
"""Made by hypothesis, each in a job of its own."""


@pytest.fixture(scope="module", params=BACKENDS)
def tool(request: pytest.FixtureRequest, module_daemon: None) -> Iterator[Recorder]:
    """One backend."""
    del module_daemon
    roar = shutil.which("roar")
    assert roar is not None, "`roar` is not on PATH: run `make build`"
    with recorder(roar, need(request.param)) as made:
        yield made


def found_programs() -> list[Program]:
    """The smallest programs that once showed a difference."""
    return [parse(text) for text in (FOLDER / "found.txt").read_text().split("\n\n") if text.strip()]


def test_programs_that_once_showed_a_difference(tool: Recorder) -> None:
    programs = found_programs()
    judgements = judge_all(tool, programs)
    bad = [f"{found}\n{program}" for program, found in zip(programs, judgements, strict=True) if found.is_bad]
    assert not bad, "\n\n".join(bad)


@pytest.mark.timeout(120 + COUNT // 2)
def test_seeded_programs_are_recorded_as_predicted(tool: Recorder) -> None:
    print(f"{COUNT} programs from seed {SEED}")
    reports = differences(tool, SEED, COUNT)
    assert not reports, "\n\n".join(reports)


def test_drawn_programs_are_recorded_as_predicted(tool: Recorder) -> None:
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(st.data())
    def check(data: st.DataObject) -> None:
        program = data.draw(programs(tool.shebang))
        (found,) = judge_all(tool, [program])
        assert not found.is_bad, f"{found}\nin the program:\n{program}"

    check()
