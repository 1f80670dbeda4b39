"""Looking after the daemon itself: where it is, starting it, ending it."""

from __future__ import annotations

import os
import time

from roar_proto.v1 import daemon_pb2

from roar_client.connection import HELLO_PATIENCE_S, connect, open_connection
from roar_client.errors import ClientError
from roar_client.runtime import check_peer, open_runtime_dir
from roar_client.starting import start_daemon

STOP_PATIENCE_S = 15.0
_LOOK_AGAIN_S = 0.02


def find_daemon() -> daemon_pb2.GetDaemonStatusResponse | None:
    """Returns the state of the daemon; None: there is none. Never starts one."""
    if not is_running():
        return None
    with connect(start=False) as daemon:
        request = daemon_pb2.GetDaemonStatusRequest()
        return daemon.call(daemon.itself.GetDaemonStatus, request, patience=HELLO_PATIENCE_S)


def is_running() -> bool:
    """Returns whether a daemon of this user listens."""
    return check_peer(open_runtime_dir())


def start() -> daemon_pb2.HelloResponse:
    """Starts a daemon when there is none, whatever ROAR_DAEMON says. Raises ClientError."""
    runtime = open_runtime_dir()
    if not check_peer(runtime):
        start_daemon(runtime)
    with connect(start=False) as daemon:
        return daemon.hello


def stop() -> daemon_pb2.StopDaemonResponse | None:
    """Asks the daemon to end and returns when it has; a daemon of any version understands that.

    None: there was none. Raises ClientError daemon-silent.
    """
    runtime = open_runtime_dir()
    if not check_peer(runtime):
        return None
    with open_connection(runtime) as daemon:
        request = daemon_pb2.StopDaemonRequest()
        answer = daemon.call(daemon.itself.StopDaemon, request, patience=HELLO_PATIENCE_S)
    deadline = time.monotonic() + STOP_PATIENCE_S
    while check_peer(runtime):
        if time.monotonic() > deadline:
            cause = f"it still listens after {STOP_PATIENCE_S:.0f} s"
            raise ClientError(
                "daemon-silent", "the daemon does not end", cause=cause, hint="`roar daemon logs` may say why"
            )
        time.sleep(_LOOK_AGAIN_S)
    return answer


def log_path() -> bytes:
    """Returns the file that the daemon writes its log to, also when there is no daemon."""
    found = find_daemon()
    if found is not None:
        return found.log_path
    state = os.environb.get(b"XDG_STATE_HOME", b"")
    if not state.startswith(b"/"):
        state = os.path.join(os.path.expanduser(b"~"), b".local/state")
    return os.path.join(state, b"roar", b"roard.log")
