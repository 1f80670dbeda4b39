"""What a job reads is hashed while it runs, by each backend, and recorded only as what it read."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from backend_kit import BACKENDS, need, roar_run
from blake3 import blake3
from daemon_kit import wait_for
from launcher_kit import answer, newest_job
from project_kit import make_project

from roard.hashing.stat_key import SETTLED_NS

BEFORE = b"what the job read"
AFTER = b"what the job wrote"
JOB = """\
import sys
read = open("in.bin", "rb").read()
open("go").read()
exec(sys.argv[1])
"""


@pytest.fixture(scope="module")
def project(module_daemon: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose input is old enough for its hash to be trusted."""
    assert module_daemon
    root = make_project(tmp_path_factory.mktemp("early") / "project")
    os.mkfifo(root / "go")
    return root


def put_input(project: Path) -> None:
    path = project / "in.bin"
    path.write_bytes(BEFORE)
    # Written anew each time, too: a file that the cache knows is not hashed again.
    (project / "job.py").write_text(JOB)
    changed_ns = (project / "job.py").stat().st_ctime_ns
    wait_for(lambda: time.time_ns() - changed_ns > SETTLED_NS, "the input to be old enough")


@contextlib.contextmanager
def held(project: Path, backend: str, act: str, *options: str) -> Iterator[Callable[[], dict[str, Any]]]:
    """Runs the job up to where it waits; yields what tells of it, and lets it go on at the end."""
    *words, _ = roar_run(backend)
    command = [*words, *options, "--", sys.executable, "job.py", act]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.DEVNULL) as job:

        def flight() -> dict[str, Any]:
            assert job.poll() is None
            (run,) = answer(project, "daemon", "status")["runs"] or [{"files_hashed": 0}]
            told: dict[str, Any] = run
            return told

        try:
            yield flight
        except BaseException:
            job.kill()
            raise
        (project / "go").write_text("")
        assert job.wait(60) == 0


def input_of(project: Path) -> dict[str, Any]:
    (found,) = [file for file in newest_job(project)["inputs"] if file["path"] == "in.bin"]
    told: dict[str, Any] = found
    return told


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_input_that_the_job_changes_in_place_is_recorded_as_it_was(project: Path, backend: str) -> None:
    need(backend)
    put_input(project)
    with held(project, backend, f"open('in.bin', 'r+b').write({AFTER!r})", "--hash", "sha256") as flight:
        wait_for(lambda: flight()["files_hashed"] >= 2, "script and input to be hashed")
        told = flight()
        assert (told["phase"], told["ingesting"]) == ("running", False)
        assert told["files_seen"] >= told["files_hashed"]
        assert told["bytes_hashed"] == len(BEFORE) + len(JOB)
    job = newest_job(project)
    read = input_of(project)
    assert (read["hash"], "hash_note" in read) == (blake3(BEFORE).hexdigest(), False)
    assert read["digests"] == {"sha256": hashlib.sha256(BEFORE).hexdigest()}
    (wrote,) = job["outputs"]
    now = (project / "in.bin").read_bytes()
    assert (wrote["path"], wrote["hash"]) == ("in.bin", blake3(now).hexdigest())
    assert now == AFTER
    assert wrote["digests"] == {"sha256": hashlib.sha256(AFTER).hexdigest()}


@pytest.mark.parametrize(
    "act",
    [
        "import os; open('new', 'wb').write(b'x'); os.replace('new', 'in.bin')",
        "import os; os.remove('in.bin')",
    ],
    ids=["replaced", "removed"],
)
def test_an_input_that_is_gone_in_the_end_has_its_hash(project: Path, act: str) -> None:
    put_input(project)
    with held(project, "ptrace", act) as flight:
        wait_for(lambda: flight()["files_hashed"] >= 2, "script and input to be hashed")
    assert input_of(project)["hash"] == blake3(BEFORE).hexdigest()


def test_an_input_that_was_changed_before_it_was_hashed_has_no_hash(project: Path) -> None:
    (project / "in.bin").write_bytes(BEFORE)
    # Its job is over before anything is hashed early.
    command = [
        *roar_run("ptrace"),
        sys.executable,
        "-c",
        f"f = open('in.bin', 'r+b'); f.read(); f.seek(0); f.write({AFTER!r})",
    ]
    subprocess.run(command, cwd=project, check=True)
    assert (input_of(project)["hash"], input_of(project)["hash_note"]) == (None, "changed-by-job")


def test_a_worker_that_is_killed_costs_no_record(project: Path) -> None:
    put_input(project)
    with held(project, "ptrace", "pass") as flight:
        wait_for(lambda: flight()["files_hashed"] >= 2, "script and input to be hashed")
        for pid in workers(project):
            os.kill(pid, 9)
    assert input_of(project)["hash"] == blake3(BEFORE).hexdigest()


def workers(project: Path) -> list[int]:
    daemon = answer(project, "daemon", "status")["pid"]
    children = Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split()
    return [int(pid) for pid in children if b"roard.hashing.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
