"""A process that digests files when nobody else wants the processor: `python -m roard.hashing.worker`.

A process and not a thread, because a thread that seldom runs would seldom give back Python's lock. Each line on stdin
is a Task, each line on stdout the Done of the next one, as JSON; ends with its stdin, and with its parent.
"""

from __future__ import annotations

import contextlib
import json
import sys
from typing import NamedTuple

from roard.hashing.digest import Expected, FileDigest, Progress, digest_file
from roard.hashing.idle import become_idle, end_with_parent
from roard.model import Digest, StatKey


class Task(NamedTuple):
    """A file to be digested."""

    file: Expected
    algorithms: tuple[str, ...]
    """Beside BLAKE3."""

    def to_line(self) -> bytes:
        path, key, strict = self.file
        return json.dumps([path.hex(), key, strict, self.algorithms]).encode() + b"\n"

    @classmethod
    def of_line(cls, line: str) -> Task:
        path, key, strict, algorithms = json.loads(line)
        return cls(Expected(bytes.fromhex(path), StatKey(*key), strict), tuple(algorithms))


class Done(NamedTuple):
    """What became of a task."""

    result: FileDigest | None
    """None: the file cannot be read."""

    def to_line(self) -> str:
        if self.result is None:
            return "null\n"
        digest, key, stable, hashed_at_ns, others = self.result
        named = [(other.algorithm, other.digest.hex()) for other in others]
        return json.dumps([digest.hex(), key, stable, hashed_at_ns, named]) + "\n"

    @classmethod
    def of_line(cls, line: bytes) -> Done:
        told = json.loads(line)
        if told is None:
            return cls(None)
        digest, key, stable, hashed_at_ns, named = told
        others = tuple(Digest(name, bytes.fromhex(other)) for name, other in named)
        return cls(FileDigest(bytes.fromhex(digest), StatKey(*key), stable, hashed_at_ns, others))


def main() -> None:
    """Digests what is asked for until nobody asks any more."""
    become_idle()
    # A large file would keep it busy for minutes.
    end_with_parent()
    # Whoever asked may be gone.
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        for line in sys.stdin:
            sys.stdout.write(_done(Task.of_line(line)).to_line())
            sys.stdout.flush()


def _done(task: Task) -> Done:
    try:
        return Done(digest_file(task.file, Progress(), task.algorithms))
    except OSError:
        return Done(None)


if __name__ == "__main__":
    main()
