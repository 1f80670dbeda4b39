"""Start and end of the daemon process: runtime directory, lock, token, socket."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import stat
import sys
from dataclasses import dataclass

from roard.errors import DaemonAlreadyRunning, UnsafeRuntimeDir, shown
from roard.failpoints import failpoint
from roard.paths import SOCKET_PATH_MAX, choose_runtime_dir


@dataclass(frozen=True)
class RuntimeDir:
    """The directory in which daemon and clients meet; ours alone."""

    path: bytes

    @property
    def socket(self) -> bytes:
        return os.path.join(self.path, b"roard.sock")

    @property
    def unnamed_socket(self) -> bytes:
        """Where the socket is bound before it gets its name: grpc takes over a live socket without a word."""
        return os.path.join(self.path, b"s.%d" % os.getpid())

    def take_lock(self) -> int:
        """Locks the directory for as long as the descriptor that it returns is open. Raises DaemonAlreadyRunning."""
        path = os.path.join(self.path, b"roard.lock")
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            raise DaemonAlreadyRunning(shown(path)) from None
        self._clear_leftovers()
        return fd

    def _clear_leftovers(self) -> None:
        """Removes sockets of daemons that were killed before they could give them their name."""
        for name in os.listdir(self.path):
            if name.startswith(b"s."):
                os.unlink(os.path.join(self.path, name))

    def write_token(self) -> str:
        """Makes a new token, which clients read from the file and put on every call."""
        token = secrets.token_hex(32)
        path = os.path.join(self.path, b"roard.token")
        fd = os.open(path + b".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(fd, "w", encoding="ascii") as file:
            file.write(token)
        os.rename(path + b".new", path)
        failpoint("start.token-written")
        return token

    def name_socket(self) -> int:
        """Gives the bound socket its name and returns its inode."""
        failpoint("start.socket-bound")
        os.rename(self.unnamed_socket, self.socket)
        failpoint("start.socket-named")
        return os.lstat(self.socket).st_ino

    def has_socket(self, inode: int) -> bool:
        """Returns whether the socket is still the one that was named."""
        try:
            return os.lstat(self.socket).st_ino == inode
        except OSError:
            return False

    def has_any_socket(self) -> bool:
        """Returns whether a socket is where clients look for it."""
        return os.path.lexists(self.socket)

    def remove_socket(self, inode: int) -> None:
        """Removes the socket when it is ours; a successor's stays."""
        if self.has_socket(inode):
            os.unlink(self.socket)


@dataclass(frozen=True)
class Start:
    """How this daemon was started."""

    runtime: RuntimeDir
    log_path: bytes
    """Empty: there is no log."""
    ready_fd: int | None
    """Who reads it waits for the daemon."""
    service: str
    """Where the service manager listens that has started the daemon; empty: none has."""
    private: bool
    """It serves one command, and ends when its standard input does."""


def open_runtime_dir() -> RuntimeDir:
    """Returns the runtime directory, made when it was not there. Raises UnsafeRuntimeDir."""
    path = choose_runtime_dir()
    length = len(os.path.join(path, b"roard.sock"))
    if length > SOCKET_PATH_MAX:
        raise UnsafeRuntimeDir(shown(path), f"its socket would have a name of {length} bytes, {SOCKET_PATH_MAX} fit")
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        if not os.path.lexists(path):
            os.mkdir(path, 0o700)
        facts = os.lstat(path)
    except OSError as error:
        raise UnsafeRuntimeDir(shown(path), error.strerror or str(error)) from error
    if problem := _problem(facts):
        raise UnsafeRuntimeDir(shown(path), problem)
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


def announce(ready_fd: int | None, message: str) -> None:
    """Tells whoever started the daemon that it is ready, or why not, and closes the descriptor."""
    if ready_fd is None:
        return
    try:
        os.write(ready_fd, f"{message}\n".encode())
        os.close(ready_fd)
    except OSError as error:
        logging.getLogger(__name__).info("nobody waits at descriptor %d: %s", ready_fd, error)


def close_to_children(ready_fd: int | None) -> None:
    """Keeps inherited descriptors, such as the start lock of who started the daemon, from its own children."""
    for fd in {3, 4, ready_fd} - {None}:
        if fd is not None and _is_open(fd):
            os.set_inheritable(fd, False)


def _is_open(fd: int) -> bool:
    try:
        fcntl.fcntl(fd, fcntl.F_GETFD)
    except OSError:
        return False
    return True


def exit_now(status: int) -> None:
    """Ends the process without waiting for its threads: one may be in the middle of a large file."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(status)
