"""What `roar doctor` finds out about an installation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roar_proto.v1 import tracers_pb2


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    state: str
    """"ok"; "note": works, but the user may want to know; "wrong"."""
    text: str
    hint: str = ""


@dataclass(frozen=True)
class Installation:
    """What was found."""

    findings: Sequence[Finding]
    tracers: Sequence[tracers_pb2.Tracer]
    """Probed now; empty when no daemon could be asked."""

    def usable(self, only: str = "") -> list[str]:
        """Returns the backends that work; only: of these."""
        return [tracer.name for tracer in self.tracers if tracer.usable and only in {"", tracer.name}]
