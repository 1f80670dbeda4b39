"""Which backend a run gets: every wish against every state of knowledge."""

from __future__ import annotations

import pytest
from roar_proto.v1 import run_pb2

from roard.config import Settings
from roard.errors import TracerUnavailable, UnknownTracer
from roard.supervision.plan import Probed, choose, plan_run

YES = Probed(usable=True, reason="")
NO = Probed(usable=False, reason="EPERM at load", hint="run `roar tracer setup ebpf`")
ALL = {"ebpf": YES, "preload": YES, "ptrace": YES}
NO_EBPF = {**ALL, "ebpf": NO}
ONLY_PTRACE = {**NO_EBPF, "preload": NO}
NONE = {**ONLY_PTRACE, "ptrace": NO}


@pytest.mark.parametrize(
    ("wanted", "known", "chosen"),
    [
        ("auto", ALL, "ebpf"),
        ("auto", NO_EBPF, "preload"),
        ("auto", ONLY_PTRACE, "ptrace"),
        ("auto", NONE, ""),
        ("auto", {}, "auto"),
        ("auto", {"ebpf": NO}, "auto"),
        ("auto", {"ebpf": YES}, "ebpf"),
        ("auto", {"preload": YES, "ptrace": YES}, "auto"),
        ("ptrace", ALL, "ptrace"),
        ("preload", NO_EBPF, "preload"),
        ("preload", {}, "preload"),
        ("ebpf", NO_EBPF, "preload"),
        ("ebpf", ONLY_PTRACE, "ptrace"),
        ("preload", ONLY_PTRACE, "ptrace"),
        ("ptrace", {**ALL, "ptrace": NO}, "ebpf"),
        ("ebpf", {"ebpf": NO}, "auto"),
        ("ebpf", NONE, ""),
    ],
)
def test_the_best_backend_that_works_is_chosen(wanted: str, known: dict[str, Probed], chosen: str) -> None:
    assert choose(wanted, known) == chosen


def wish(tracer: str = "", *, fallback: bool | None = None) -> run_pb2.RunRecord:
    return run_pb2.RunRecord(tracer_wanted=tracer, tracer_fallback=fallback)


def test_another_backend_than_the_wanted_one_is_a_warning_with_the_reason() -> None:
    plan = plan_run(Settings(), wish("ebpf"), NO_EBPF)
    assert (plan.tracer, plan.tracer_required) == ("preload", False)
    assert [(warning.code, warning.message) for warning in plan.warnings] == [
        ("tracer-fallback", "ebpf does not work here (EPERM at load): preload is used")
    ]


@pytest.mark.parametrize(("tracer", "known"), [("", ONLY_PTRACE), ("auto", NONE), ("ptrace", ALL), ("ebpf", {})])
def test_what_is_as_wished_is_no_warning(tracer: str, known: dict[str, Probed]) -> None:
    assert plan_run(Settings(), wish(tracer), known).warnings == []


def test_without_a_fallback_a_backend_that_does_not_work_is_refused_with_reason_and_remedy() -> None:
    with pytest.raises(TracerUnavailable) as refused:
        plan_run(Settings(), wish("ebpf", fallback=False), NO_EBPF)
    assert (refused.value.fact, refused.value.cause) == ("ebpf does not work on this machine", "EPERM at load")
    assert refused.value.hint.startswith("run `roar tracer setup ebpf`; or leave out `--no-tracer-fallback`")


@pytest.mark.parametrize(
    ("settings", "given", "tracer", "required"),
    [
        (Settings(), wish(), "ebpf", False),
        (Settings(tracer_default="ptrace"), wish(), "ptrace", False),
        (Settings(tracer_default="ptrace"), wish("auto"), "ebpf", False),
        (Settings(tracer_fallback=False), wish(), "ebpf", True),
        (Settings(tracer_fallback=False), wish(fallback=True), "ebpf", False),
        (Settings(), wish("preload", fallback=False), "preload", True),
    ],
)
def test_the_command_line_goes_before_the_configuration(
    settings: Settings, given: run_pb2.RunRecord, tracer: str, *, required: bool
) -> None:
    plan = plan_run(settings, given, ALL)
    assert (plan.tracer, plan.tracer_required) == (tracer, required)


def test_what_is_no_backend_is_refused_with_those_that_are() -> None:
    with pytest.raises(UnknownTracer) as refused:
        plan_run(Settings(), wish("dtrace"), ALL)
    assert refused.value.hint == "choose one of: auto, ebpf, preload, ptrace"
