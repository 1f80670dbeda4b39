"""Which backend a run is traced by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roar_proto.v1 import types_pb2

from roard.config import Settings
from roard.errors import UnknownTracer

TRACERS = ("auto", "ebpf", "ptrace")


@dataclass(frozen=True)
class Plan:
    """What the daemon answers when a run is announced."""

    tracer: str
    quiet: bool
    warnings: Sequence[types_pb2.Warning] = ()


def plan_run(settings: Settings, wanted: str) -> Plan:
    """Returns the plan; wanted is what the command line asks for, empty for the project's default.

    Raises UnknownTracer. There is one backend so far, so "auto" has nothing to choose.
    """
    name = wanted or settings.tracer_default
    if name not in TRACERS:
        raise UnknownTracer(name, TRACERS)
    return Plan(tracer="ptrace" if name == "auto" else name, quiet=settings.output_quiet)
