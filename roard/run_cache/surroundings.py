"""The environment of a command, as far as its outputs may depend on it: hashed by a key of the project."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterable

from blake3 import blake3
from roar_proto.v1 import run_pb2

_KEY_LENGTH = 32
_HASH_LENGTH = 16
_NOISE = re.compile(
    rb"PWD|OLDPWD|SHLVL|_|TERM.*|COLORTERM|COLUMNS|LINES|LS_COLORS|PS[0-4]|PROMPT_.*|HIST.*|WINDOWID|WINDOWPATH|DISPLAY"
    rb"|WAYLAND_DISPLAY|XAUTHORITY|SSH_.*|GPG_.*|XDG_.*|DBUS_.*|DESKTOP_.*|SESSION_MANAGER|GNOME_.*|KDE_.*|VTE_VERSION"
    rb"|TMUX.*|STY|ITERM_.*|KITTY_.*|WT_.*|VSCODE_.*|MAIL|LESS.*|PAGER|EDITOR|VISUAL|INVOCATION_ID|JOURNAL_STREAM"
    rb"|MAKEFLAGS|MFLAGS|MAKELEVEL|PYTEST_CURRENT_TEST|BASH_FUNC_.*|ROAR_.*"
)
"""What differs from terminal to terminal and says nothing of what a command makes."""


def surroundings_of(environment: Iterable[bytes], key: bytes) -> run_pb2.Surroundings:
    """Returns what is to be compared of an environment of NAME=value words."""
    variables = dict(word.partition(b"=")[::2] for word in environment if b"=" in word)
    wanted = sorted(name for name in variables if not _NOISE.fullmatch(name))
    hashed = [run_pb2.HashedVariable(name=name, hash=_hash(name, variables[name], key)) for name in wanted]
    return run_pb2.Surroundings(variables=hashed)


def first_difference(before: run_pb2.Surroundings, now: run_pb2.Surroundings) -> bytes | None:
    """Returns the first variable, by name, that has another value, was there, or is new; None: there is none."""
    one = {variable.name: variable.hash for variable in before.variables}
    other = {variable.name: variable.hash for variable in now.variables}
    return next((name for name in sorted({*one, *other}) if one.get(name) != other.get(name)), None)


def project_key(objects: bytes) -> bytes:
    """Returns the key of a project, which lies beside what is kept; makes one when there is none. Raises OSError."""
    path = os.path.join(objects, b"key")
    with contextlib.suppress(FileNotFoundError):
        return _read(path)
    os.makedirs(objects, mode=0o700, exist_ok=True)
    unnamed = path + b"-" + secrets.token_hex(8).encode()
    with open(os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(secrets.token_bytes(_KEY_LENGTH))
    try:
        # Whoever was faster has made the one that counts.
        with contextlib.suppress(FileExistsError):
            os.link(unnamed, path)
    finally:
        os.unlink(unnamed)
    return _read(path)


def _read(path: bytes) -> bytes:
    with open(path, "rb") as file:
        key = file.read()
    if len(key) == _KEY_LENGTH:
        return key
    # Torn by a power failure: nothing was ever hashed by half a key.
    os.unlink(path)
    raise FileNotFoundError(path)


def _hash(name: bytes, value: bytes, key: bytes) -> bytes:
    return blake3(name + b"=" + value, key=key).digest(length=_HASH_LENGTH)
