"""Reads the header of a case: what to prepare, what to run, and the truth about its files.

tests/conformance/README.md has the format.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_HERE = Path(__file__).resolve().parent
_INSTALLED, _IN_THE_TREE = _HERE / "cases", _HERE.parent / "tests" / "conformance" / "cases"
FOLDER = _IN_THE_TREE if _IN_THE_TREE.is_dir() else _INSTALLED
PREFIXES = {".c": "//:", ".sh": "#:", ".py": "#:"}
KEYS = {
    "about", "setup", "reads", "writes", "exit", "signal", "warnings", "needs", "cflags", "argv", "redirect",
    "filesystem", "blind", "before", "unhashed", "tolerated",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One program and the truth about it. Names are relative to its work folder."""

    source: Path
    about: str
    before: Mapping[bytes, str]
    setup: str
    needs: tuple[str, ...]
    cflags: tuple[str, ...]
    argv: tuple[str, ...]
    redirect: str
    filesystem: str
    reads: frozenset[bytes]
    writes: frozenset[bytes]
    exit: int
    signal: str
    unhashed: frozenset[bytes]
    """Inputs whose hash may be missing although their bytes still lie under a name of the case."""
    warnings: frozenset[str]
    """Codes that must be there."""
    tolerated: frozenset[str]
    """Codes that may be there."""
    blind: Mapping[str, str]
    """By backend: code of the warning with which it may miss things, `*` for any."""

    @property
    def name(self) -> str:
        return self.source.stem


def load_cases(text: str = "") -> list[Case]:
    """Returns the cases whose name holds `text`, by name."""
    sources = sorted(path for path in FOLDER.iterdir() if path.suffix in PREFIXES)
    return [load_case(source) for source in sources if text in source.stem]


def load_case(source: Path) -> Case:
    """Reads the header of a file. Raises ValueError, naming the file, for an unknown key or a malformed header."""
    prefix = PREFIXES[source.suffix]
    lines = source.read_text().splitlines()
    header = "\n".join(line.removeprefix(prefix).removeprefix(" ") for line in lines if line.startswith(prefix))
    try:
        values: dict[str, Any] = tomllib.loads(header)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{source}: {error}") from error
    if "about" not in values or not values.keys() <= KEYS:
        raise ValueError(f"{source}: `about` is missing, or unknown keys: {sorted(values.keys() - KEYS)}")
    return Case(
        source=source,
        about=values["about"],
        before={name: text for pattern, text in values.get("before", {}).items() for name in names(pattern)},
        setup=values.get("setup", ""),
        needs=tuple(values.get("needs", ())),
        cflags=tuple(values.get("cflags", ())),
        argv=tuple(values.get("argv", ("{}",))),
        redirect=values.get("redirect", ""),
        filesystem=values.get("filesystem", ""),
        reads=frozenset(name for pattern in values.get("reads", ()) for name in names(pattern)),
        writes=frozenset(name for pattern in values.get("writes", ()) for name in names(pattern)),
        exit=values.get("exit", 0),
        signal=values.get("signal", ""),
        unhashed=frozenset(name for pattern in values.get("unhashed", ()) for name in names(pattern)),
        warnings=frozenset(values.get("warnings", ())),
        tolerated=frozenset(values.get("tolerated", ())),
        blind=values.get("blind", {}),
    )


def names(pattern: str) -> Iterator[bytes]:
    """Yields the names that a pattern stands for: `{1..20}` numbers, `{TEXT*20}` repeats, `%FF` is a byte."""
    brace = re.search(r"\{([^{}]*)\}", pattern)
    if brace is None:
        yield unquote_to_bytes(pattern)
        return
    for text in expansions(brace[1]):
        yield from names(pattern[: brace.start()] + text + pattern[brace.end() :])


def expansions(inside: str) -> Iterator[str]:
    if span := re.fullmatch(r"(\d+)\.\.(\d+)", inside):
        yield from (f"{number:0{len(span[1])}}" for number in range(int(span[1]), int(span[2]) + 1))
    elif repeat := re.fullmatch(r"(.+)\*(\d+)", inside):
        yield repeat[1] * int(repeat[2])
    else:
        raise ValueError(f"`{{{inside}}}` is neither {{1..9}} nor {{text*9}}")
