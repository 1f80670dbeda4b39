"""Client and daemon of different versions, by the same rules as the launcher (tracers/launcher/src/skew.rs).

The newer one stays: a newer client asks an older daemon to end, which loses no run, and starts its own; never the other
way round, so that two versions used in turn do not drive each other out.
"""

from __future__ import annotations

import re
from enum import Enum

from roar_proto.v1 import daemon_pb2

from roar_client.errors import ClientError


class Age(Enum):
    """What a daemon is to this program."""

    FITS = "fits"
    OLDER = "understands this program, and is to make room all the same"
    TOO_OLD = "does not understand it"
    TOO_NEW = "is not understood by it"


def judge(hello: daemon_pb2.HelloResponse, version: str) -> Age:
    """Compares a daemon with a client of this version, by protocol first."""
    oldest, newest = int(daemon_pb2.PROTOCOL_OLDEST), int(daemon_pb2.PROTOCOL_CURRENT)
    if hello.protocol_max < oldest:
        return Age.TOO_OLD
    if hello.protocol_min > newest:
        return Age.TOO_NEW
    older = (hello.protocol_max, _release(hello.version)) < (newest, _release(version))
    return Age.OLDER if older else Age.FITS


def _release(version: str) -> list[int]:
    """Returns the numbers that a version begins with; what follows them, and zeros at their end, make none newer."""
    found = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(part) for part in found[0].split(".")] if found else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers


def misfit(hello: daemon_pb2.HelloResponse, version: str, socket: str) -> ClientError | None:
    """Returns why a daemon cannot be talked to; None when it can, though it may be older."""
    oldest, newest = int(daemon_pb2.PROTOCOL_OLDEST), int(daemon_pb2.PROTOCOL_CURRENT)
    cause = f"socket: {socket} (pid {hello.pid}, roard {hello.version})"
    match judge(hello, version):
        case Age.TOO_OLD:
            return ClientError(
                "daemon-too-old",
                f"the daemon speaks protocol {hello.protocol_max}, this `roar` needs {oldest} or newer",
                cause=cause,
                hint="run `roar daemon restart` (no recorded job is lost); install roar again when that does not help",
            )
        case Age.TOO_NEW:
            return ClientError(
                "daemon-too-new",
                f"the daemon speaks protocol {hello.protocol_min} or newer, this `roar` only {newest}",
                cause=cause,
                hint="upgrade roar in this environment",
            )
        case _:
            return None
