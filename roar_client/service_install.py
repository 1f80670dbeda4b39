"""Makes roard a service of the user, and takes that back. Both can be repeated: what is done is not done again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from roar_client import daemon_control
from roar_client.errors import ClientError
from roar_client.service_manager import Command, ServiceManager

PATIENCE_S = 15.0
_LOOK_AGAIN_S = 0.05


def planned(manager: ServiceManager) -> list[str]:
    """Returns what install would do, as commands to type."""
    return [f"write {manager.unit}", *_typed([*manager.reload, *manager.start])]


def install(manager: ServiceManager) -> Iterator[str]:
    """Writes the unit, and has the service started; yields what was done, or is left to do.

    A daemon that somebody has started is ended first: the service takes its place, and no run is lost.
    Raises ClientError service-failed, unit-not-written.
    """
    changed = not manager.is_up_to_date
    if changed:
        _write(manager.unit, manager.content)
    yield f"{'wrote' if changed else 'up to date already:'} {manager.unit}"
    if not manager.answers():
        yield f"no `{manager.name}` answers here; in a session of yours, type"
        yield from _typed([*manager.reload, *manager.start])
        return
    if changed:
        manager.do(manager.reload)
    if not manager.runs():
        if daemon_control.stop() is not None:
            yield "ended the daemon that a command had started"
        manager.do(manager.start)
    elif changed:
        manager.do(manager.restart)
    else:
        yield "the service runs already"
        return
    yield _running()


def uninstall(manager: ServiceManager) -> Iterator[str]:
    """Ends the service and removes its unit; yields what was done. Raises ClientError service-failed."""
    if not manager.is_installed:
        yield f"no service is installed: there is no {manager.unit}"
        return
    if manager.answers():
        manager.do(manager.stop)
        yield "ended the service; the next command that needs the daemon starts it"
    for path in (manager.unit, *manager.links):
        path.unlink(missing_ok=True)
    yield f"removed {manager.unit}"
    if manager.answers():
        manager.do(manager.reload)


def _running() -> str:
    """Waits for the daemon, which not every manager does. Raises ClientError service-failed."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := daemon_control.find_daemon()) is None:
        if time.monotonic() > deadline:
            raise ClientError(
                "service-failed",
                "the service does not answer",
                cause="the service manager has started it, and no daemon listens where commands look for it",
                hint="`roar daemon logs` may say why; is ROAR_RUNTIME_DIR set in one place only?",
            )
        time.sleep(_LOOK_AGAIN_S)
    return f"roard {found.daemon.version} runs as a service, pid {found.daemon.pid}"


def _write(path: Path, content: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(content, encoding="utf-8")
        temporary.rename(path)
    except OSError as error:
        raise ClientError("unit-not-written", f"cannot write `{path}`", cause=error.strerror or "") from None


def _typed(commands: list[Command]) -> list[str]:
    return ["  " + " ".join(command) for command in commands]
