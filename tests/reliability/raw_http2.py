"""HTTP/2 written by hand: clients of the daemon's socket that no library would be."""

from __future__ import annotations

import socket
from pathlib import Path

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS = 1, 4
_INITIAL_WINDOW_SIZE = (4).to_bytes(2, "big")


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Returns one frame (RFC 9113, section 4.1)."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def message(body: bytes, length: int | None = None) -> bytes:
    """Returns a message as gRPC frames it; length: what its prefix claims, when that is not the truth."""
    return b"\0" + (len(body) if length is None else length).to_bytes(4, "big") + body


def opening(method: str, token: str, *, window: int = 65535) -> bytes:
    """Returns the bytes of a connection that begins a call and has not yet sent its request.

    window: bytes that the server may send of an answer before it is told to go on.
    """
    settings = frame(SETTINGS, 0, 0, _INITIAL_WINDOW_SIZE + window.to_bytes(4, "big"))
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": method,
        ":authority": "roard",
        "te": "trailers",
        "content-type": "application/grpc",
        "roar-token": token,
    }
    block = b"".join(_literal(name, value) for name, value in fields.items())
    return PREFACE + settings + frame(HEADERS, END_HEADERS, 1, block)


def request(body: bytes) -> bytes:
    """Returns the whole request of the call that `opening` has begun."""
    return frame(DATA, END_STREAM, 1, message(body))


def connect(path: Path, sent: bytes) -> socket.socket:
    """Returns a connection on which these bytes were sent, and from which nothing is read."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(str(path))
    connection.sendall(sent)
    return connection


def _literal(name: str, value: str) -> bytes:
    """Returns a header field that is neither indexed nor compressed (RFC 7541, section 6.2.2)."""
    assert max(len(name), len(value)) < 127, "longer strings take another form"
    return b"\0" + b"".join(bytes([len(text)]) + text.encode() for text in (name, value))
