"""Tells the service manager how the daemon is: sd_notify(3), which is one datagram a message."""

from __future__ import annotations

import logging
import os
import socket

log = logging.getLogger(__name__)

VARIABLE = "NOTIFY_SOCKET"


def take_service_socket() -> str:
    """Returns where a service manager listens, empty: there is none. Children, which are no service, never see it."""
    return os.environ.pop(VARIABLE, "")


def notify(address: str, *assignments: str) -> None:
    """Sends assignments, such as `READY=1`, to a service manager; does nothing where there is none."""
    if not address:
        return
    # A name that begins with @ stands for one in the abstract namespace.
    target = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto("\n".join(assignments).encode(), target)
    except OSError as error:
        log.warning("the service manager cannot be told: %s", error)
