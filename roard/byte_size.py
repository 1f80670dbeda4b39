"""Sizes as people write them: `10 GiB`, `500MB`, `0`."""

from __future__ import annotations

import re

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:([KMGTP])(i)?)?B?\s*", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}
LARGEST = 2**63 - 1


def parse_size(text: str) -> int | None:
    """Returns a size in bytes, 2^63 - 1 at most; None for what is none. `GiB` is 1024^3, `GB` and `G` are 1000^3."""
    match = _SIZE.fullmatch(text)
    if match is None:
        return None
    number, letter, binary = match.groups()
    base = 1024 if binary else 1000
    return min(int(float(number) * base ** _POWERS[(letter or "").upper()]), LARGEST)
