"""What a job ran in, as far as its record tells: packages by files that filters left out, programs by processes. Pure.

A version is known where the job read a file that names it: the metadata of a Python distribution, a versioned library.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from roar_proto.v1 import diff_pb2 as pb
from roar_proto.v1 import jobs_pb2, types_pb2

from roard.query.comparison.parameters import value_changes

MOST_PROGRAMS = 50
_METADATA = re.compile(rb"/(?:site|dist)-packages/([^/]+?)-([0-9][^/-]*)(?:-[^/]*)?\.(?:dist|egg)-info(?:/|$)")
_MODULE = re.compile(rb"/(?:site|dist)-packages/([A-Za-z][A-Za-z0-9_]*)(?=/|\.py$|\.so$|\.cpython)")
_NODE = re.compile(rb"/node_modules/((?:@[^/]+/)?[^/.][^/]*)/")
_LIBRARY = re.compile(rb"/(lib[^/]+?\.so)\.([0-9][^/]*)$")
_PYTHON = re.compile(rb"/lib/python([0-9]+\.[0-9]+)/")


@dataclass
class Surroundings:
    """What one job ran in."""

    versions: dict[str, set[str]] = field(default_factory=dict)
    """Of packages and libraries."""
    modules: set[str] = field(default_factory=set)
    """Packages that were read from, whose version may not be known."""
    pythons: set[str] = field(default_factory=set)
    programs: set[bytes] = field(default_factory=set)
    machine: types_pb2.Machine | None = None
    """None: recorded by a version that did not look."""

    def saw(self, path: bytes) -> None:
        """Notes what a file that the job read tells."""
        if match := _METADATA.search(path):
            self.versions.setdefault(_normal(match[1]), set()).add(_text(match[2]))
        elif (match := _MODULE.search(path)) or (match := _NODE.search(path)):
            self.modules.add(_normal(match[1]))
        elif match := _LIBRARY.search(path):
            self.versions.setdefault(_text(match[1]), set()).add(_text(match[2]))
        if match := _PYTHON.search(path):
            self.pythons.add(_text(match[1]))

    def packages(self) -> dict[str, bytes]:
        """Returns versions by name, in the order of names; empty where only the use is known."""
        names = sorted({*self.versions, *self.modules})
        return {name: ", ".join(sorted(self.versions.get(name, ()))).encode() for name in names}


def package_changes(a: Surroundings, b: Surroundings) -> list[pb.ValueChange]:
    """Returns packages and libraries that differ, by name; a version that only one side knows is no difference."""
    before, after = a.packages(), b.packages()
    for name in set(before) & set(after):
        if not before[name] or not after[name]:
            before[name] = after[name]
    return sorted(value_changes(before, after), key=lambda change: change.name)


def environment_changes(
    a: jobs_pb2.Job, b: jobs_pb2.Job, around_a: Surroundings, around_b: Surroundings
) -> list[pb.ValueChange]:
    """Returns what differs in directory, host, user, interpreter, machine and programs."""
    if around_a.machine is None or around_b.machine is None:
        around_a, around_b = replace(around_a, machine=None), replace(around_b, machine=None)
    changes = value_changes(_facts(a, around_a), _facts(b, around_b))
    only_a = [pb.ValueChange(name="program", a=exe) for exe in sorted(around_a.programs - around_b.programs)]
    only_b = [pb.ValueChange(name="program", b=exe) for exe in sorted(around_b.programs - around_a.programs)]
    return changes + only_a[:MOST_PROGRAMS] + only_b[:MOST_PROGRAMS]


def _facts(job: jobs_pb2.Job, around: Surroundings) -> dict[str, bytes]:
    return {
        "directory": job.cwd or b".",
        "host": job.hostname.encode(),
        "user": job.user.encode(),
        "python": ", ".join(sorted(around.pythons)).encode(),
        **_machine(around.machine),
    }


def _machine(machine: types_pb2.Machine | None) -> dict[str, bytes]:
    if machine is None:
        return {}
    gpus = Counter(f"{gpu.name}, driver {gpu.driver}, {gpu.toolkit}" for gpu in machine.gpus)
    facts = {
        "system": machine.system,
        "distribution": machine.distribution,
        "processor": machine.processor,
        "cores": str(machine.cores),
        "memory": f"{machine.memory_bytes / 2**30:.1f} GiB",
        "container": machine.container,
        "gpu": "; ".join(f"{number} x {gpu}" for gpu, number in gpus.items()),
    }
    return {name: value.encode() for name, value in facts.items()}


def surroundings(dropped: Iterable[bytes], programs: Iterable[bytes]) -> Surroundings:
    """Returns what the files that a job read and filters left out, and its programs, tell."""
    found = Surroundings(programs={program for program in programs if program})
    for path in dropped:
        found.saw(path)
    return found


def _normal(name: bytes) -> str:
    return re.sub(r"[-_.]+", "-", _text(name)).lower() if not name.startswith(b"@") else _text(name)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
