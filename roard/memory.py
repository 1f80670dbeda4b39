"""How the daemon keeps small: few heaps, and what it does not need at rest given back to the kernel.

Everything here is glibc's and Linux's; elsewhere it does nothing.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import re
import struct
from collections.abc import Iterator

HEAPS = 2
"""glibc gives each of 50 threads a heap of its own, up to eight a core, and none of them shrinks by itself."""
_M_ARENA_MAX = -8
_MADV_DONTNEED = 4
_PAGE = mmap.PAGESIZE
_BEGIN_OF_FILE = re.compile(rb"([0-9a-f]+)-[0-9a-f]+ r\S+ 0+ \S+ [1-9][0-9]* +(/.*)\n")
_HEADER_SIZE = 64
_SEGMENT = struct.Struct("<IIQQQQQQ")
_LOADED, _WRITABLE = 1, 2
_LIBC = ctypes.CDLL(None)
_IS_GLIBC = hasattr(_LIBC, "malloc_trim")


def limit_heaps() -> None:
    """Has all threads share a few heaps. To be called before there are threads."""
    if _IS_GLIBC:
        _LIBC.mallopt(_M_ARENA_MAX, HEAPS)


def give_back() -> None:
    """Gives back what is free, and program text, which comes again from the page cache by need; takes 20 ms.

    Of the 30 MiB of text that are mapped, starting needs nearly all and serving a small part.
    """
    gc.collect()
    if _IS_GLIBC:
        _LIBC.malloc_trim(0)
        for start, end in _program_text():
            _LIBC.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)


def _program_text() -> Iterator[tuple[int, int]]:
    """Yields where those parts of programs and libraries are mapped that nobody ever writes to, the loader included."""
    with open("/proc/self/maps", "rb") as file:
        begins = [found for line in file if (found := _BEGIN_OF_FILE.fullmatch(line))]
    for found in begins:
        try:
            segments = _segments(found[2])
        except OSError:
            continue
        base = int(found[1], 16) - min((start for start, _, _ in segments), default=0)
        for start, end, flags in segments:
            if not flags & _WRITABLE and end > start:
                yield base + start, base + end


def _segments(path: bytes) -> list[tuple[int, int, int]]:
    """Returns the loaded segments of a 64-bit ELF file: first address, end, both of whole pages, and flags."""
    with open(path, "rb") as file:
        header = file.read(_HEADER_SIZE)
        if header[:6] != b"\x7fELF\x02\x01" or len(header) < _HEADER_SIZE:
            return []
        (at,), (count,) = struct.unpack_from("<Q", header, 32), struct.unpack_from("<H", header, 56)
        file.seek(at)
        table = file.read(count * _SEGMENT.size)
    whole = len(table) // _SEGMENT.size * _SEGMENT.size
    found = []
    for kind, flags, _, address, _, size, _, _ in _SEGMENT.iter_unpack(table[:whole]):
        if kind == _LOADED:
            found.append((address // _PAGE * _PAGE, (address + size) // _PAGE * _PAGE, flags))
    return found
