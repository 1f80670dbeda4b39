"""The process that digests at idle priority, through its pipes."""

from __future__ import annotations

import hashlib
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3
from daemon_kit import wait_for

from roard.hashing.digest import Expected
from roard.hashing.worker import Done, Task
from roard.model import Digest, StatKey


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "roard.hashing.worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process


def ask(worker: subprocess.Popen[bytes], path: Path, key: StatKey, *algorithms: str) -> Done:
    assert worker.stdin
    assert worker.stdout
    worker.stdin.write(Task(Expected(bytes(path), key, strict=True), algorithms).to_line())
    worker.stdin.flush()
    return Done.of_line(worker.stdout.readline())


def test_a_file_with_any_name_comes_back_with_every_digest(worker: subprocess.Popen[bytes], tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9\n.bin")
    path.write_bytes(b"content")
    key = StatKey.of_stat(path.stat())
    done = ask(worker, path, key, "md5", "sha512").result
    assert done
    assert (done.digest, done.key, done.stable) == (blake3(b"content").digest(), key, True)
    assert done.others == (
        Digest("md5", hashlib.md5(b"content").digest()),
        Digest("sha512", hashlib.sha512(b"content").digest()),
    )


def test_another_content_and_no_file_have_no_digest(worker: subprocess.Popen[bytes], tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"content")
    key = StatKey.of_stat(path.stat())
    path.write_bytes(b"changed")
    done = ask(worker, path, key).result
    assert done
    assert done.digest == b""
    path.unlink()
    assert ask(worker, path, key).result is None


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell of a parent's end")
def test_it_dies_with_who_started_it_though_its_stdin_is_open(tmp_path: Path) -> None:
    starter = "import subprocess, sys; subprocess.run([sys.executable, '-m', 'roard.hashing.worker'])"
    with subprocess.Popen([sys.executable, "-c", starter], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        ask(process, tmp_path, StatKey.of_stat(tmp_path.stat()))
        process.kill()
        assert process.stdout
        # Nobody has it open for writing any more.
        assert select.select([process.stdout], [], [], 20)[0]
        assert process.stdout.read() == b""


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="there is no idle priority here")
def test_it_gives_way_and_ends_with_who_asked(worker: subprocess.Popen[bytes]) -> None:
    assert worker.stdin
    wait_for(lambda: os.sched_getscheduler(worker.pid) == os.SCHED_IDLE, "idle priority")
    worker.stdin.close()
    assert worker.wait(20) == 0
