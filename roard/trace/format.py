"""Sealed messages: `record`, `folded` and `git` of a run directory, tracers/TRACE_FORMAT.md section 1."""

from __future__ import annotations

import os
import struct
import zlib
from enum import Enum
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from roard.durable import sync_directory
from roard.errors import TraceCorrupt

_HEADER = struct.Struct("<4s4sIIQ")
_MAGIC = b"ROAR"
_VERSION = 1

M = TypeVar("M", bound=Message)


class Kind(Enum):
    """What a sealed message holds."""

    RECORD = b"RREC"
    FOLDED = b"FOLD"
    GIT = b"GITS"


def seal(kind: Kind, message: Message) -> bytes:
    """Returns the content of the file."""
    body = message.SerializeToString()
    return _HEADER.pack(_MAGIC, kind.value, _VERSION, zlib.crc32(body), len(body)) + body


def unseal(kind: Kind, message_type: type[M], path: bytes, content: bytes) -> M:
    """Returns the message in a file's content. Raises TraceCorrupt on any deviation."""
    if len(content) < _HEADER.size:
        raise TraceCorrupt(path, f"it has {len(content)} bytes, less than a header")
    magic, found, version, crc, length = _HEADER.unpack_from(content)
    body = memoryview(content)[_HEADER.size :]
    if magic != _MAGIC or found != kind.value:
        raise TraceCorrupt(path, f"it begins with {magic + found!r}, not {_MAGIC + kind.value!r}")
    if version != _VERSION:
        raise TraceCorrupt(path, f"it has version {version}, not {_VERSION}")
    if length != len(body):
        raise TraceCorrupt(path, f"it holds {len(body)} bytes of a message of {length}")
    if crc != zlib.crc32(body):
        raise TraceCorrupt(path, "its checksum is wrong")
    message = message_type()
    try:
        message.ParseFromString(bytes(body))
    except DecodeError as error:
        raise TraceCorrupt(path, f"its message cannot be parsed: {error}") from error
    return message


def write_sealed(path: bytes, kind: Kind, message: Message, *, durable: bool = True) -> None:
    """Writes the file so that a reader sees the whole message or none; durable: also after a power failure.

    Raises OSError.
    """
    temporary = path + b".tmp"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as file:
        file.write(seal(kind, message))
        file.flush()
        if durable:
            os.fdatasync(fd)
    os.rename(temporary, path)
    if durable:
        sync_directory(os.path.dirname(path))
