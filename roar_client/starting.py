"""Starts the daemon, detached from this terminal. Whoever holds the start lock may; everybody else waits for him."""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from roar_client.errors import ClientError
from roar_client.runtime import SOCKET_PATH_MAX, RuntimeDir, check_peer

PATIENCE_S = 15.0
END_PATIENCE_S = 8.0
"""A daemon finishes what it is recording first, which takes it five seconds at most."""
_LOOK_AGAIN_S = 0.05


@contextmanager
def private_runtime_dir() -> Iterator[RuntimeDir]:
    """Yields a place that only this command knows, with a daemon that ends with the command, however that ends.

    Raises ClientError no-daemon.
    """
    import shutil
    import tempfile

    fits = len(os.fsencode(tempfile.gettempdir())) + len("/roar-XXXXXXXX/roard.sock") <= SOCKET_PATH_MAX
    place = None if fits else "/tmp"  # noqa: S108  made with a name nobody can guess
    runtime = RuntimeDir(os.fsencode(tempfile.mkdtemp(prefix="roar-", dir=place)))
    tether, hold = os.pipe()
    try:
        start_daemon(runtime, tether)
        yield runtime
    finally:
        os.close(tether)
        os.close(hold)
        _wait_for_end(runtime)
        shutil.rmtree(runtime.path, ignore_errors=True)


def _wait_for_end(runtime: RuntimeDir) -> None:
    """Returns when nobody holds the start lock any more, or the daemon has removed it, or after some seconds."""
    deadline = time.monotonic() + END_PATIENCE_S
    with suppress(FileNotFoundError), open(runtime.start_lock, "r+b") as lock:
        while not _try_lock(lock.fileno()) and time.monotonic() < deadline:
            time.sleep(_LOOK_AGAIN_S / 10)


def start_daemon(runtime: RuntimeDir, tether: int | None = None) -> None:
    """Returns when a daemon listens, started here or by somebody else meanwhile.

    tether: a pipe at whose end the daemon ends; None: it stays. Raises ClientError no-daemon.
    """
    if is_traced():
        # It would be part of that job, and end with it.
        raise ClientError("no-daemon", "no daemon is started from within a traced command")
    deadline = time.monotonic() + PATIENCE_S
    lock = os.open(runtime.start_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not check_peer(runtime):
            if _try_lock(lock) and _launch(runtime, lock, tether, deadline):
                return
            # Another daemon is coming up, or one is going and has not let go yet.
            if time.monotonic() > deadline:
                raise _not_started("another process holds the lock of the runtime directory, and no daemon listens")
            time.sleep(_LOOK_AGAIN_S)
    finally:
        os.close(lock)


def is_traced() -> bool:
    """Returns whether this process is looked on by a tracer, as what it starts would be."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            return any(line.startswith("TracerPid:") and line.split()[1] != "0" for line in status)
    except OSError:
        return False


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _launch(runtime: RuntimeDir, lock: int, tether: int | None, deadline: float) -> bool:
    """Executes roard and returns whether it is ready; False: another one is there, which does not listen.

    It inherits the lock, which is so held until it ends. Raises ClientError no-daemon.
    """
    ready, ready_in = os.pipe()
    log = os.path.join(runtime.path, b"roard.stderr")
    try:
        with open(log, "wb", opener=_privately) as stderr:
            # No preexec_fn: with one, Python forks in a way that grpc's threads do not bear.
            daemon = subprocess.Popen(
                [*program(), "--ready-fd", str(ready_in), *([] if tether is None else ["--private"])],
                cwd="/",
                env=_environment(runtime),
                stdin=subprocess.DEVNULL if tether is None else tether,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                pass_fds=(lock, ready_in),
                start_new_session=True,
            )
    except OSError as error:
        os.close(ready)
        raise _not_started(f"`{error.filename or program()[0]}`: {error.strerror}") from None
    finally:
        os.close(ready_in)
    with os.fdopen(ready, "rb", buffering=0) as pipe:
        ready_now = _wait_until_ready(pipe.fileno(), daemon, log, deadline)
    # It may live on: the interpreter must not complain that nobody waits for it.
    daemon.returncode = 0
    return ready_now


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _wait_until_ready(pipe: int, daemon: subprocess.Popen[bytes], log: bytes, deadline: float) -> bool:
    """Returns whether the daemon has said `ok`; False: it has found another one. Raises ClientError with its words."""
    readable, _, _ = select.select([pipe], [], [], max(deadline - time.monotonic(), 0))
    if not readable:
        raise _not_started(f"roard (pid {daemon.pid}) is not ready after {PATIENCE_S:.0f} s")
    said = os.read(pipe, 4096).decode("utf-8", "replace").strip()
    if said == "ok":
        return True
    status = daemon.wait()
    with open(log, encoding="utf-8", errors="replace") as file:
        words = file.read().strip()
    if words.startswith("error[daemon-already-running]"):
        return False
    last = [said.removeprefix("error: ")] if said else [f"roard ended with {status}", *words.splitlines()[-3:]]
    raise _not_started("\n".join(last))


def program() -> list[str]:
    """Returns the words that start the daemon installed beside this program, its path absolute."""
    for place in (os.path.realpath(sys.argv[0]), sys.executable):
        script = os.path.join(os.path.dirname(place), "roard")
        if os.access(script, os.X_OK) and os.path.isfile(script):
            return [script]
    return [sys.executable, "-m", "roard"]


def _environment(runtime: RuntimeDir) -> Mapping[bytes, bytes]:
    environment = {**os.environb, b"ROAR_RUNTIME_DIR": runtime.path}
    # What a service manager told the service that this command may run in.
    for name in (b"NOTIFY_SOCKET", b"JOURNAL_STREAM"):
        environment.pop(name, None)
    launcher = os.path.join(os.path.dirname(os.path.realpath(os.fsencode(sys.argv[0]))), b"roar")
    if os.path.isfile(launcher):
        environment.setdefault(b"ROAR_LAUNCHER", launcher)
    return environment


def _not_started(cause: str) -> ClientError:
    hint = "`roar daemon logs` may say more; if roard is missing, install roar again"
    return ClientError("no-daemon", "the daemon cannot be started", cause=cause, hint=hint)
