"""Where things are: the recorded form of paths, and the places of the daemon."""

from __future__ import annotations

import os
import socket

SOCKET_PATH_MAX = 100
"""Bytes: a socket address has room for 108, some are kept for temporary names."""
_REMOTE = {b"nfs", b"nfs4", b"smbfs", b"smb3", b"cifs", b"afs", b"coda", b"9p", b"ceph", b"lustre", b"gpfs", b"fuseblk"}


def to_stored(root: bytes, path: bytes) -> bytes:
    """Returns the form in which an absolute path is recorded: relative inside the project, unchanged outside."""
    if path == root:
        return b""
    return path.removeprefix(root if root.endswith(b"/") else root + b"/")


def to_absolute(root: bytes, stored: bytes) -> bytes:
    """Returns the absolute path of a recorded one."""
    if stored.startswith(b"/"):
        return stored
    # Thousands in a look at the disk: os.path.join takes five times as long.
    return b"%b/%b" % (root.rstrip(b"/"), stored) if stored else root


def choose_runtime_dir() -> bytes:
    """Returns the directory in which daemon and clients meet, by the rules that the clients follow too."""
    uid = os.geteuid()
    if wanted := _absolute(b"ROAR_RUNTIME_DIR"):
        return wanted
    for place in (_absolute(b"XDG_RUNTIME_DIR"), b"/run/user/%d" % uid):
        if place and os.path.isdir(place):
            return os.path.join(place, b"roar")
    home = _absolute(b"HOME")
    if home and _is_local(home) and _is_writable(home):
        place = os.path.join(home, b".local/state/roar", b"run-" + os.fsencode(socket.gethostname()))
        if len(os.path.join(place, b"roard.sock")) <= SOCKET_PATH_MAX:
            return place
    return b"/tmp/roar-%d" % uid


def state_dir() -> bytes:
    """Returns the directory of the log and of the list of projects; it need not exist."""
    base = _absolute(b"XDG_STATE_HOME") or os.path.join(os.path.expanduser(b"~"), b".local", b"state")
    return os.path.join(base, b"roar")


def _is_writable(home: bytes) -> bool:
    """Returns whether what belongs below a home directory can be made there."""
    place = os.path.join(home, b".local/state/roar")
    while not os.path.exists(place):
        place = os.path.dirname(place)
    return os.access(place, os.W_OK | os.X_OK)


def _absolute(name: bytes) -> bytes:
    value = os.environb.get(name, b"")
    return value if value.startswith(b"/") else b""


def _is_local(path: bytes) -> bool:
    """Returns whether a socket on the file system of this path is seen by this machine only."""
    best, kind = b"", b""
    real = os.path.realpath(path)
    try:
        with open("/proc/self/mounts", "rb") as mounts:
            for line in mounts:
                _, place, name, *_ = line.split(b" ")
                place = place.replace(b"\\040", b" ")
                if (real == place or real.startswith(place.rstrip(b"/") + b"/")) and len(place) >= len(best):
                    best, kind = place, name
    except OSError:
        return True
    return kind not in _REMOTE and not kind.startswith(b"fuse.")
