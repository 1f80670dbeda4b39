"""What the user wants of daemons: the variable ROAR_DAEMON."""

from __future__ import annotations

import os
from enum import Enum

from roar_client.errors import USAGE, ClientError


class DaemonMode(Enum):
    """Whose daemon answers."""

    AUTO = "auto"
    """The user's daemon, started when it is not there."""
    REQUIRE = "require"
    """The user's daemon, which somebody else starts."""
    OFF = "off"
    """None that outlives a command: each starts its own."""


def daemon_mode() -> DaemonMode:
    """Returns what the variable says. Raises ClientError usage for a value that it cannot have."""
    wanted = os.environ.get("ROAR_DAEMON") or DaemonMode.AUTO.value
    try:
        return DaemonMode(wanted)
    except ValueError:
        choices = ", ".join(mode.value for mode in DaemonMode)
        raise ClientError(
            "usage", f"ROAR_DAEMON cannot be `{wanted}`", hint=f"choose one of: {choices}", exit_code=USAGE
        ) from None
