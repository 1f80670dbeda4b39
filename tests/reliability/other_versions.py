"""Installations of other versions: the real programs, started by scripts that patch version and protocol."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from daemon_kit import wait_for
from roar_proto.v1 import daemon_pb2

NOW = int(daemon_pb2.PROTOCOL_CURRENT)
ROARD = """\
#!{python}
import sys
from roar_proto.v1 import daemon_pb2
import roard.service.daemon as service
from roard.__main__ import main
daemon_pb2.PROTOCOL_OLDEST = daemon_pb2.PROTOCOL_CURRENT = {protocol}
service.version = lambda: {version!r}
sys.exit(main())
"""
ROAR_PY = """\
#!{python}
from roar_proto.v1 import daemon_pb2
import roar_client.connection as connection
from roar_client.main import main
daemon_pb2.PROTOCOL_OLDEST = daemon_pb2.PROTOCOL_CURRENT = {protocol}
connection.version = lambda: {version!r}
main()
"""


@dataclass(frozen=True)
class Installation:
    """A folder with `roar`, `roar-py` and `roard`. The native `roar` is of this version: it cannot be patched."""

    folder: Path

    def roar_py(self, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Runs the command line of this installation."""
        return run(str(self.folder / "roar-py"), *words, cwd=cwd)

    def start_daemon(self, runtime: Path) -> int:
        """Starts the daemon of this installation and returns its process id."""
        # One that was asked to end may still hold the place.
        return wait_for(lambda: self._try_start(runtime), "a daemon that starts")

    def _try_start(self, runtime: Path) -> int:
        """Returns the process id of a daemon that is ready, 0: it gave way to another."""
        daemon = subprocess.Popen([self.folder / "roard"], start_new_session=True, stderr=subprocess.DEVNULL)
        wait_for(lambda: daemon.poll() is not None or daemon.pid in daemons(runtime), "a daemon")
        if daemon.returncode is not None:
            return 0
        # Whoever replaces it ends it: nobody waits for it here.
        daemon.returncode = 0
        return daemon.pid


def install(folder: Path, version: str, protocol: int = NOW) -> Installation:
    """Makes an installation."""
    folder.mkdir()
    for name, text in (("roard", ROARD), ("roar-py", ROAR_PY)):
        (folder / name).write_text(text.format(python=sys.executable, protocol=protocol, version=version))
        (folder / name).chmod(0o755)
    shutil.copy(str(shutil.which("roar")), folder / "roar")
    return Installation(folder)


def run(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return subprocess.run(
        words, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False
    )


def daemons(runtime: Path) -> list[int]:
    """Returns the process ids of all daemons that have written the log of this place, in their order."""
    log = runtime.parent / "state" / "roar" / "roard.log"
    lines = log.read_text().splitlines() if log.exists() else []
    return [int(line.split()[1]) for line in lines if "ready at" in line]


def has_open(pid: int, path: Path) -> bool:
    """Returns whether a process has a file open."""
    try:
        return any(fd.readlink() == path for fd in Path(f"/proc/{pid}/fd").iterdir())
    except FileNotFoundError:
        return False
