"""Which backend a run is traced by: decided by what the last probes found, which costs no time here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from roar_proto.v1 import run_pb2, types_pb2

from roard.config import ALGORITHMS, TRACERS, Settings
from roard.errors import TracerUnavailable, UnknownAlgorithm, UnknownTracer

AUTO, *_ORDERED = TRACERS
BACKENDS = tuple(_ORDERED)
"""The best one first."""


@dataclass(frozen=True)
class Probed:
    """What a probe found out about a backend."""

    usable: bool
    reason: str
    """Why it is not usable, in one line; empty when it is."""
    hint: str = ""
    at_ns: int = 0
    """Wall clock; 0: never probed."""
    took_ns: int = 0


@dataclass(frozen=True)
class Wish:
    """What the user wants: the command line before the project's configuration."""

    tracer: str
    """One of TRACERS."""
    fallback: bool


@dataclass(frozen=True)
class Plan:
    """What the daemon answers when a run is announced."""

    tracer: str
    """A backend; "auto" as long as nothing is known: the launcher then takes what can be attached."""
    quiet: bool
    warnings: Sequence[types_pb2.Warning] = ()
    tracer_required: bool = False
    """No other backend may take its place."""


def plan_run(settings: Settings, record: run_pb2.RunRecord, known: Mapping[str, Probed]) -> Plan:
    """Returns the plan; known: what was found out about backends so far, by name.

    Raises UnknownTracer, UnknownAlgorithm, TracerUnavailable.
    """
    for name in record.hash_algorithms:
        if name not in ALGORITHMS:
            raise UnknownAlgorithm(name, ALGORITHMS)
    wish = wish_of(settings, record)
    chosen = choose(wish.tracer, known)
    problem = known[wish.tracer] if chosen != wish.tracer and wish.tracer in known else None
    if problem and not wish.fallback:
        raise TracerUnavailable(wish.tracer, problem.reason, problem.hint)
    warnings = [_fallback(wish.tracer, chosen, problem.reason)] if problem else []
    # With nothing left, the launcher finds out itself, and says what is lost.
    return Plan(chosen or wish.tracer, settings.output_quiet, warnings, tracer_required=not wish.fallback)


def wish_of(settings: Settings, record: run_pb2.RunRecord) -> Wish:
    """Returns what a run asks for. Raises UnknownTracer."""
    tracer = record.tracer_wanted or settings.tracer_default
    if tracer not in TRACERS:
        raise UnknownTracer(tracer, TRACERS)
    given = record.HasField("tracer_fallback")
    return Wish(tracer, record.tracer_fallback if given else settings.tracer_fallback)


def choose(wanted: str, known: Mapping[str, Probed]) -> str:
    """Returns the backend for a wish: it when it works or nobody knows yet, else the best that does.

    Empty: none does. "auto" as long as one that might be better than the best known has not been probed.
    """
    if wanted != AUTO and (wanted not in known or known[wanted].usable):
        return wanted
    for name in BACKENDS:
        if name == wanted:
            continue
        if name not in known:
            return AUTO
        if known[name].usable:
            return name
    return ""


def _fallback(wanted: str, chosen: str, reason: str) -> types_pb2.Warning:
    instead = "nothing else does either" if not chosen else f"{'the next best' if chosen == AUTO else chosen} is used"
    return types_pb2.Warning(code="tracer-fallback", message=f"{wanted} does not work here ({reason}): {instead}")
