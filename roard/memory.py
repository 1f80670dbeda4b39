"""How the daemon keeps small: few heaps, and what it does not need at rest given back to the kernel.

Everything here is glibc's and Linux's; elsewhere it does nothing.
"""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Iterator

HEAPS = 2
"""glibc gives each of 50 threads a heap of its own, up to eight a core, and none of them shrinks by itself."""
_M_ARENA_MAX = -8
_MADV_DONTNEED = 4
_MAPPING = re.compile(rb"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ +(/.*)?")
_NOTHING_OF_ITS_OWN = b"Anonymous:             0 kB"
_LIBC = ctypes.CDLL(None)
_IS_GLIBC = hasattr(_LIBC, "malloc_trim")


def limit_heaps() -> None:
    """Has all threads share a few heaps. To be called before there are threads."""
    if _IS_GLIBC:
        _LIBC.mallopt(_M_ARENA_MAX, HEAPS)


def give_back() -> None:
    """Gives back what is free or can be had again from the page cache; takes 40 ms.

    Of the 30 MiB of program text that are mapped, starting needs nearly all and serving a small part. No other thread
    may load a library meanwhile: its data would be taken for text before they are relocated, and be lost.
    """
    gc.collect()
    if _IS_GLIBC:
        _LIBC.malloc_trim(0)
        for start, end in _program_text():
            _LIBC.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)


def _program_text() -> Iterator[tuple[int, int]]:
    """Yields where files are mapped that cannot be written and of which no page was changed, as by relocation."""
    with open("/proc/self/smaps", "rb") as file:
        lines = file.read().splitlines()
    place = None
    for line in lines:
        if found := _MAPPING.fullmatch(line):
            is_text = found[3] in {b"r-xp", b"r--p"} and found[4]
            place = (int(found[1], 16), int(found[2], 16)) if is_text else None
        elif place and line == _NOTHING_OF_ITS_OWN:
            yield place
