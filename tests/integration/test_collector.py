"""The eBPF backend as a whole: its collector lives and dies, and no command notices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from backend_kit import need, roar_run
from launcher_kit import answer, jobs, newest_job, run, written

PATIENCE_S = 60.0
LATE = "print('ready', flush=True); print(input()); open('late', 'w').write('x')"


def collector_pid() -> int | None:
    """Returns the process that listens in the runtime directory of the tests."""
    folder = os.environ["ROAR_RUNTIME_DIR"]
    wanted = ["--serve", folder]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if words[0].endswith("roar-collector") and words[1:3] == wanted:
                return int(entry.name)
    return None


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def works(project: Path) -> bool:
    return run(*roar_run("ebpf"), "true", cwd=project).returncode == 0


@pytest.fixture
def ebpf(project: Path) -> Path:
    need("ebpf")
    return project


def test_the_collector_says_whether_it_can_work() -> None:
    done = run("roar-collector", "--check")
    assert b'"usable": ' in done.stdout
    assert (done.returncode == 0) == (b'"usable": true' in done.stdout)


def test_runs_at_once_see_their_own_files_only(ebpf: Path) -> None:
    def record(number: int) -> int:
        script = f"for i in 1 2 3; do echo {number} > out.{number}.$i; done"
        return run(*roar_run("ebpf"), "sh", "-c", script, cwd=ebpf).returncode

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(record, range(8))) == {0}
    for job in jobs(ebpf)[:8]:
        outputs = written(answer(ebpf, "show", job["id"]))
        assert len(outputs) == 3
        assert len({name.split(".")[1] for name in outputs}) == 1


def test_a_killed_collector_disturbs_no_command_and_is_said_and_replaced(ebpf: Path) -> None:
    command = [*roar_run("ebpf"), sys.executable, "-c", LATE]
    process = subprocess.Popen(command, cwd=ebpf, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        victim = collector_pid()
        assert victim is not None
        os.kill(victim, signal.SIGKILL)
        out, _ = process.communicate(b"hello\n", timeout=PATIENCE_S)
    assert (process.returncode, out) == (0, b"hello\n")
    assert any(warning.startswith("tracer-lost") for warning in newest_job(ebpf)["warnings"])
    until(lambda: works(ebpf))
    assert collector_pid() not in {None, victim}


def test_what_a_run_does_after_its_launcher_was_killed_is_recorded(ebpf: Path) -> None:
    command = [*roar_run("ebpf"), "sh", "-c", "echo ready; read line; echo x > orphan"]
    with subprocess.Popen(command, cwd=ebpf, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.kill()
        process.stdin.write(b"go\n")
    until((ebpf / "orphan").exists)
    until(lambda: bool(jobs(ebpf)) and "orphan" in written(newest_job(ebpf)))
    assert any(warning.startswith("launcher-lost") for warning in newest_job(ebpf)["warnings"])


def test_a_directory_renamed_again_and_again_keeps_its_files(ebpf: Path) -> None:
    (ebpf / "d").mkdir()
    for name in ("kept", "removed", "moved"):
        (ebpf / "d" / name).write_text(name)
    script = "import os; os.rename('d', 'e'); os.remove('e/removed'); os.rename('e', 'f'); os.rename('f/moved', 'g')"
    assert run(*roar_run("ebpf"), sys.executable, "-c", script, cwd=ebpf).returncode == 0
    job = newest_job(ebpf)
    assert sorted(written(job)) == ["f/kept", "g"]
    assert sorted(file["path"] for file in job["inputs"]) == ["d/kept", "d/moved", "d/removed"]


def test_two_thousand_short_processes_are_all_seen(ebpf: Path) -> None:
    script = "import os\nfor _ in range(2000):\n    os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)"
    assert run(*roar_run("ebpf"), sys.executable, "-c", script, cwd=ebpf).returncode == 0
    job = newest_job(ebpf)
    assert job["warnings"] == []
    assert len(job["processes"]) == 2001
