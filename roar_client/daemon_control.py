"""Looking after the daemon itself: where it is, starting it, ending it."""

from __future__ import annotations

import contextlib
import os

from roar_proto.v1 import daemon_pb2

from roar_client.connection import HELLO_PATIENCE_S, connect, open_connection, stop_daemon
from roar_client.errors import ClientError
from roar_client.runtime import check_peer, open_runtime_dir
from roar_client.starting import start_daemon


def find_daemon() -> daemon_pb2.GetDaemonStatusResponse | None:
    """Returns the state of the daemon; None: there is none, or it has just ended. Never starts one."""
    if not is_running():
        return None
    try:
        with connect(start=False) as daemon:
            request = daemon_pb2.GetDaemonStatusRequest()
            return daemon.call(daemon.itself.GetDaemonStatus, request, patience=HELLO_PATIENCE_S)
    except ClientError as error:
        if error.reason in {"daemon-lost", "no-daemon"}:
            return None
        raise


def is_running() -> bool:
    """Returns whether a daemon of this user listens."""
    return check_peer(open_runtime_dir())


def start() -> daemon_pb2.HelloResponse:
    """Starts a daemon when there is none, whatever ROAR_DAEMON says; as a service, when this installation is one.

    Raises ClientError.
    """
    runtime = open_runtime_dir()
    if not check_peer(runtime):
        from roar_client.service_manager import service_manager

        manager = service_manager()
        if manager.is_up_to_date and manager.answers():
            manager.do(manager.start)
        else:
            start_daemon(runtime)
    with connect(start=False) as daemon:
        return daemon.hello


def stop() -> daemon_pb2.StopDaemonResponse | None:
    """Asks the daemon to end and returns when it has; None: there was none. Raises ClientError daemon-silent."""
    runtime = open_runtime_dir()
    if not check_peer(runtime):
        return None
    with open_connection(runtime) as daemon:
        return stop_daemon(daemon, runtime)


def log_path() -> bytes:
    """Returns the file that the daemon writes its log to, also when there is no daemon, or none that answers."""
    with contextlib.suppress(ClientError):
        found = find_daemon()
        if found is not None:
            return found.log_path
    state = os.environb.get(b"XDG_STATE_HOME", b"")
    if not state.startswith(b"/"):
        state = os.path.join(os.path.expanduser(b"~"), b".local/state")
    return os.path.join(state, b"roar", b"roard.log")
