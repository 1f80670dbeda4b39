"""Judges a project's database from outside: `python checker.py PROJECT < ACKNOWLEDGED`; status 1: a broken promise.

A line of ACKNOWLEDGED is `RUN_ID INPUTS OUTPUTS`: a job that was acknowledged, and how many files it read and wrote.
With `--ask`, `roar log` must tell the same jobs as the database. Shares no code with roar. The database is read from a
copy, as it would be after a power failure, so no daemon may be writing.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

MOST_ASKED = 10_000
_JOBS = """
SELECT run_id,
       (SELECT count(*) FROM inputs WHERE job_id = jobs.id),
       (SELECT count(*) FROM outputs WHERE job_id = jobs.id)
FROM jobs
"""


def problems(roar_dir: Path, acknowledged: Iterable[str]) -> list[str]:
    """Returns what is lost, doubled, torn or damaged in the database of a `.roar` directory."""
    if not (roar_dir / "roar.db").exists():
        return [f"lost: {line}" for line in acknowledged]
    with _copy(roar_dir) as database, contextlib.closing(sqlite3.connect(database)) as connection:
        try:
            found = [f"integrity_check: {row[0]}" for row in connection.execute("PRAGMA integrity_check")]
            found = [line for line in found if line != "integrity_check: ok"]
            found += [f"foreign_key_check: {row}" for row in connection.execute("PRAGMA foreign_key_check")]
            rows = connection.execute(_JOBS).fetchall()
        except sqlite3.DatabaseError as error:
            return [f"the database cannot be read: {error}"]
    files = {run_id: (inputs, outputs) for run_id, inputs, outputs in rows}
    doubled = [run_id for run_id, times in Counter(row[0] for row in rows).items() if times > 1]
    return [*found, *(f"doubled: {run_id}" for run_id in doubled), *_missing(files, acknowledged)]


def _missing(files: Mapping[str, Sequence[int]], acknowledged: Iterable[str]) -> Iterator[str]:
    for line in acknowledged:
        run_id, inputs, outputs = line.split()
        if run_id not in files:
            yield f"lost: {run_id}"
        elif tuple(files[run_id]) != (int(inputs), int(outputs)):
            yield f"torn: {run_id} has {files[run_id]} inputs and outputs, not {inputs} and {outputs}"


def told(project: Path) -> list[str]:
    """Returns how far `roar log` and the database differ."""
    words = ["roar", "log", "--all", "--json", "-n", str(MOST_ASKED)]
    done = subprocess.run(words, cwd=project, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        return [f"`roar log` ended with {done.returncode}: {done.stderr}"]
    listed = Counter(job["id"] for job in json.loads(done.stdout)["jobs"])
    with _copy(project / ".roar") as database, contextlib.closing(sqlite3.connect(database)) as connection:
        newest = f"SELECT uid FROM jobs ORDER BY id DESC LIMIT {MOST_ASKED}"
        stored = Counter(uid for (uid,) in connection.execute(newest))
    return [f"only in `roar log` or in the database: {uid}" for uid in (listed - stored) + (stored - listed)]


@contextlib.contextmanager
def _copy(roar_dir: Path) -> Iterator[Path]:
    """Yields a copy of the database and its log; the index of the log is made anew by whoever opens it."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("roar.db", "roar.db-wal", "roar.db-journal"):
            if (roar_dir / name).exists():
                shutil.copy(roar_dir / name, folder)
        yield Path(folder) / "roar.db"


def main() -> int:
    """Prints the problems and how much was looked at."""
    project = Path(sys.argv[1])
    acknowledged = sys.stdin.read().splitlines()
    found = problems(project / ".roar", acknowledged)
    if "--ask" in sys.argv:
        found += told(project)
    print(*found, f"{len(acknowledged)} acknowledged, {len(found)} problems", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
