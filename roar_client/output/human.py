"""Quantities as people read them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from time import localtime, strftime
from time import time_ns as now_ns

from roar_client.output.text import visible

SHORT_ID = 8
SHORT_HASH = 12
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_UNITS_OF_TIME = (
    (1, "second"),
    (60, "minute"),
    (3600, "hour"),
    (86_400, "day"),
    (7 * 86_400, "week"),
    (30.44 * 86_400, "month"),
    (365.25 * 86_400, "year"),
)


def size(number: int) -> str:
    """Returns bytes as "817 B", "1.2 GiB"."""
    value = float(number)
    for unit in _UNITS[:-1]:
        if value < 1023.95:  # noqa: PLR2004  # what would be shown as 1024.0 is 1.0 of the next unit
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} {_UNITS[-1]}"


def duration(nanoseconds: int) -> str:
    """Returns a duration as "840ms", "12.3s", "2m13s", "3h05m"."""
    seconds = nanoseconds / 1e9
    if seconds < 0.9995:  # noqa: PLR2004  # what would be shown as 1000ms is 1.0s
        return f"{seconds * 1000:.0f}ms"
    if seconds < 59.95:  # noqa: PLR2004  # likewise
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes}m{rest:02}s"
    return f"{minutes // 60}h{minutes % 60:02}m"


def ago(at_ns: int) -> str:
    """Returns a time as "3 minutes ago"."""
    value = (now_ns() - at_ns) / 1e9
    if value < 1:
        return "just now" if value > -1 else "in the future"
    number, unit = 0, "second"
    for length, name in _UNITS_OF_TIME:
        if value >= length:
            number, unit = int(value / length), name
    return f"{plural(number, unit)} ago"


def elapsed_ns(at_ns: int) -> int:
    """Returns how long ago a time was; 0 when the clock was set back meanwhile."""
    return max(now_ns() - at_ns, 0)


def local_time(at_ns: int) -> str:
    """Returns a time as "2026-11-23 14:05:09", in the caller's time zone."""
    return strftime("%Y-%m-%d %H:%M:%S", localtime(at_ns / 1e9))


def plural(number: int, noun: str, many: str = "") -> str:
    """Returns "1 file", "3 files"; many: the noun for several, when it is not made by an s."""
    return f"{number:,} {noun if number == 1 else many or f'{noun}s'}"


def command_line(argv: Iterable[bytes]) -> str:
    """Returns a command as one line, quoted for a shell; control characters escaped."""
    return visible(shlex.join(word.decode("utf-8", "replace") for word in argv))


def short(digest: bytes) -> str:
    """Returns the beginning of a hash, long enough to be typed as a reference; dashes for an unknown one."""
    return digest.hex()[:SHORT_HASH] if digest else "-" * SHORT_HASH
