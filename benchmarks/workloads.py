"""The commands of backend_overhead.py, and the project that they run in."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
GIT = ("git", "-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "commit.gpgsign=false")
MANY = 20_000
SOURCES = 16
LARGE_MIB = 2048
IMPORTS = ("sklearn.svm", "pandas", "matplotlib.pyplot", "numpy")
STANDARD = "asyncio, concurrent.futures, csv, email.message, http.server, sqlite3, unittest, xml.dom.minidom"
MAKEFILE = f"""\
OBJECTS = {" ".join(f"part{number}.o" for number in range(SOURCES))}
program: $(OBJECTS)
\tgcc -o $@ $^
%.o: %.c parts.h
\tgcc -O1 -c -o $@ $<
"""
PART = """\
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parts.h"
int part{number}(const char *text) {{ return printf("%s %zu %d\\n", text, strlen(text), rand() % {modulus}); }}
"""


@dataclass(frozen=True)
class Workload:
    """A command that is timed in each contender's project."""

    title: str
    argv: tuple[str, ...]
    goals: tuple[tuple[str, float], ...] = ()
    """By backend: the ratio that it must not exceed."""


def _goals(cheap: float, ptrace: float) -> tuple[tuple[str, float], ...]:
    return (("ebpf", cheap), ("preload", cheap), ("ptrace", ptrace))


FIXED = Workload("`true`", ("true",))
"""Start and commit of a recorder, and nothing else."""


def workloads() -> Iterator[Workload]:
    """Yields the commands; those of a kind that no job has, but that show a backend at its worst, have no goal."""
    usual, opening = _goals(1.05, 1.3), _goals(1.35, 4)
    read_each = f"for n in range({MANY}): open(f'many/{{n:05}}').read()"
    yield Workload(f"python reads {MANY:,} files", (sys.executable, "-c", read_each), opening)
    read_one = f"for n in range({MANY}): open('many/00000').read()"
    yield Workload(f"python reads one file {MANY:,} times", (sys.executable, "-c", read_one), opening)
    yield Workload(f"C, nothing but open and close: {MANY:,} files", ("./openloop", str(MANY), "many"))
    yield Workload(f"C, nothing but open and close: one file, {MANY:,} times", ("./openloop", str(MANY)))
    yield Workload(
        "git clone of 2,000 files", ("sh", "-c", "rm -rf clone && git clone -q --no-local repo clone"), usual
    )
    yield Workload("git checkout, there and back", ("git", "-C", "repo", "checkout", "-q", "--detach", "{turn}"), usual)
    found = next((name for name in IMPORTS if importlib.util.find_spec(name.partition(".")[0])), STANDARD)
    yield Workload(f"python: import {found.partition(',')[0]}", (sys.executable, "-c", f"import {found}"), usual)
    yield Workload("shell loop of 150 `true`", ("sh", "-c", "for i in $(seq 150); do /bin/true; done"), usual)
    make = "rm -f parts/*.o parts/program && make -s -C parts -j2"
    yield Workload(f"make -j2, {SOURCES} files of C", ("sh", "-c", make), usual)
    for size, goals in (("1M", _goals(1.05, 1.2)), ("64k", _goals(1.2, 1.2))):
        dd = ("dd", "if=large", "of=/dev/null", f"bs={size}", "status=none")
        yield Workload(f"dd bs={size}, {LARGE_MIB} MiB from the page cache", dd, goals)


def make_project(root: Path, large: Path | None = None) -> Path:
    """Makes a git repository with all that the workloads need in it, git-ignored.

    large: the file of that name from another project, to save its room.
    """
    root.mkdir(parents=True)
    (root / ".gitignore").write_text("*\n!.gitignore\n")
    _commit(root, "start")
    for name in ("openloop", "stopwatch"):
        subprocess.run(["gcc", "-O2", "-Wall", "-o", root / name, HERE / f"{name}.c"], check=True)
    _write_files(root / "many", MANY, "some text\n")
    _make_sources(root / "parts")
    _make_repository(root / "repo")
    if large:
        os.link(large, root / "large")
        return root
    with (root / "large").open("wb") as file:
        subprocess.run(["dd", "if=/dev/zero", "bs=1M", f"count={LARGE_MIB}", "status=none"], stdout=file, check=True)
    return root


def clear(root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)


def _write_files(folder: Path, count: int, text: str) -> None:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"{number:05}").write_text(text)


def _make_sources(folder: Path) -> None:
    folder.mkdir()
    (folder / "Makefile").write_text(MAKEFILE)
    declared = "".join(f"int part{number}(const char *text);\n" for number in range(SOURCES))
    (folder / "parts.h").write_text(declared)
    for number in range(SOURCES):
        (folder / f"part{number}.c").write_text(PART.format(number=number, modulus=number + 2))
    (folder / "part0.c").write_text('#include "parts.h"\nint main(void) { return part1("x") < 0; }\n')


def _make_repository(folder: Path) -> None:
    for number, tag in enumerate(("one", "two")):
        _write_files(folder, 2000, f"text {number}\n" * 20)
        _commit(folder, tag)
        subprocess.run([*GIT, "tag", tag], cwd=folder, check=True)


def _commit(folder: Path, message: str) -> None:
    folder.mkdir(exist_ok=True)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", message]):
        subprocess.run([*GIT, *words], cwd=folder, check=True)
