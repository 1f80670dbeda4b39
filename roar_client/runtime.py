"""The directory in which daemon and clients of a user meet, by the same rules as the launcher's runtime_dir.rs."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct
from dataclasses import dataclass

from roar_client.errors import ClientError, shown

SOCKET_PATH_MAX = 100
"""Bytes: a socket address has room for 108, some are kept for the daemon's temporary names."""
_REMOTE_FILE_SYSTEMS = {
    "nfs",
    "nfs4",
    "smbfs",
    "smb3",
    "cifs",
    "afs",
    "coda",
    "9p",
    "ceph",
    "lustre",
    "gpfs",
    "fuseblk",
}


@dataclass(frozen=True)
class RuntimeDir:
    """A directory that belongs to this user alone."""

    path: bytes

    @property
    def socket(self) -> bytes:
        return os.path.join(self.path, b"roard.sock")

    @property
    def start_lock(self) -> bytes:
        """Held by whoever starts a daemon, and by the daemon so started."""
        return os.path.join(self.path, b"roard.start")

    def token(self) -> str:
        """Returns the word that every call must carry; empty when there is none."""
        try:
            with open(os.path.join(self.path, b"roard.token"), encoding="ascii") as file:
                return file.read().strip()
        except FileNotFoundError:
            return ""


def open_runtime_dir() -> RuntimeDir:
    """Finds the directory and makes it when it is not there. Raises ClientError unsafe-runtime-dir."""
    path = choose()
    length = len(os.path.join(path, b"roard.sock"))
    if length > SOCKET_PATH_MAX:
        raise _unsafe(path, f"its socket would have a name of {length} bytes, {SOCKET_PATH_MAX} fit")
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
        facts = os.lstat(path)
    except OSError as error:
        raise _unsafe(path, error.strerror or "") from None
    problem = _problem(facts)
    if problem:
        raise _unsafe(path, problem)
    return RuntimeDir(path)


def _problem(facts: os.stat_result) -> str:
    """Returns why a directory cannot be trusted; empty when it can."""
    if stat.S_ISLNK(facts.st_mode):
        return "it is a symbolic link"
    if not stat.S_ISDIR(facts.st_mode):
        return "it is not a directory"
    if facts.st_uid != os.geteuid():
        return "it belongs to another user"
    return "other users have access to it" if facts.st_mode & 0o077 else ""


def _unsafe(path: bytes, problem: str) -> ClientError:
    return ClientError(
        "unsafe-runtime-dir",
        f"the runtime directory `{shown(path)}` cannot be used: {problem}",
        hint="remove it, or set ROAR_RUNTIME_DIR to a directory of your own with mode 0700",
    )


def choose() -> bytes:
    """Returns the first place that there is; one with too long a name below the home directory is passed over."""
    uid = os.geteuid()
    if wanted := _absolute(b"ROAR_RUNTIME_DIR"):
        return wanted
    for place in (_absolute(b"XDG_RUNTIME_DIR"), b"/run/user/%d" % uid):
        if place and os.path.isdir(place):
            return os.path.join(place, b"roar")
    home = _absolute(b"HOME")
    if home and is_local(home) and _is_writable(home):
        place = os.path.join(home, b".local/state/roar", b"run-" + os.fsencode(socket.gethostname()))
        if len(os.path.join(place, b"roard.sock")) <= SOCKET_PATH_MAX:
            return place
    return b"/tmp/roar-%d" % uid


def _is_writable(home: bytes) -> bool:
    """Returns whether what belongs below a home directory can be made there."""
    place = os.path.join(home, b".local/state/roar")
    while not os.path.exists(place):
        place = os.path.dirname(place)
    return os.access(place, os.W_OK | os.X_OK)


def _absolute(name: bytes) -> bytes:
    value = os.environb.get(name, b"")
    return value if value.startswith(b"/") else b""


def is_local(path: bytes) -> bool:
    """Returns whether a socket on the file system of this path is seen by this machine only."""
    best, kind = b"", ""
    real = os.path.realpath(path)
    try:
        with open("/proc/self/mounts", "rb") as mounts:
            for line in mounts:
                _, place, name, *_ = line.split(b" ")
                place = place.replace(b"\\040", b" ")
                if (real == place or real.startswith(place.rstrip(b"/") + b"/")) and len(place) >= len(best):
                    best, kind = place, name.decode("ascii", "replace")
    except OSError:
        return True
    return kind not in _REMOTE_FILE_SYSTEMS and not kind.startswith("fuse.")


def check_peer(runtime: RuntimeDir) -> bool:
    """Returns whether a daemon of this user listens. Raises ClientError foreign-daemon when it is somebody else's."""
    return find_peer(runtime) is not None


def find_peer(runtime: RuntimeDir) -> int | None:
    """Returns the process that listens, None: nobody does; grpc itself does not ask who is behind a socket.

    Raises ClientError foreign-daemon when it is somebody else's.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(runtime.socket)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        answer = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, uid, _ = struct.unpack("3i", answer)
    if uid != os.geteuid():
        raise ClientError(
            "foreign-daemon",
            f"the daemon behind `{shown(runtime.socket)}` is another user's",
            cause=f"it runs as uid {uid}",
            hint="remove the socket",
        )
    return int(pid)
