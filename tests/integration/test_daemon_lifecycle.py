"""Start and end of the daemon process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from daemon_kit import PATIENCE_S, Daemon, Run, read_of, refusal, running_daemon, wait_for
from roar_proto.v1 import daemon_pb2


def start_another(daemon: Daemon) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "roard"],
        env=daemon.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_only_one_daemon_runs_and_the_others_say_so() -> None:
    with running_daemon() as daemon:
        with ThreadPoolExecutor(4) as threads:
            others = list(threads.map(lambda _: start_another(daemon), range(4)))
        assert {other.returncode for other in others} == {1}
        assert all("error[daemon-already-running]" in other.stderr for other in others)
        assert daemon.itself.Hello(daemon_pb2.HelloRequest(), metadata=daemon.metadata).pid == daemon.process.pid


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_takes_the_socket_away(how: signal.Signals) -> None:
    with running_daemon() as daemon:
        assert daemon.end(how) == 0
        assert not (daemon.runtime / "roard.sock").exists()


def test_stopping_by_call() -> None:
    with running_daemon() as daemon:
        answer = daemon.itself.StopDaemon(daemon_pb2.StopDaemonRequest(), metadata=daemon.metadata)
        assert answer.runs_in_flight == 0
        assert daemon.process.wait(PATIENCE_S) == 0


def test_stopping_finishes_what_is_being_recorded(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    with running_daemon() as daemon:
        daemon.init(root)
        with (root / "big.bin").open("wb") as file:
            file.truncate(1 << 28)
        run = Run(root).seal([read_of(root / "big.bin")])
        messages = daemon.begin_to_finish(run)
        daemon.process.send_signal(signal.SIGTERM)
        *_, last = messages
        assert last.job.run_id == run.run_id
        assert daemon.process.wait(PATIENCE_S) == 0


def test_what_takes_too_long_is_left_to_the_next_daemon(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    with running_daemon() as daemon:
        daemon.init(root)
        with (root / "big.bin").open("wb") as file:
            file.truncate(200 << 30)
        run = Run(root).seal([read_of(root / "big.bin")])
        daemon.begin_to_finish(run)
        began = time.monotonic()
        assert daemon.end() == 0
        assert time.monotonic() - began < 20, "it went on with what takes a minute"
        assert (run.path / "folded").exists()
        (root / "big.bin").unlink()
        daemon.start()
        wait_for(lambda: not run.path.exists(), "the next daemon")
        assert daemon.job(root).inputs[0].hash_note == "gone"


def test_a_stale_socket_and_lock_are_no_obstacle() -> None:
    with running_daemon() as daemon:
        daemon.end(signal.SIGKILL)
        assert (daemon.runtime / "roard.sock").exists()
        daemon.start()
        assert daemon.said == "ok\n"
        assert daemon.itself.Hello(daemon_pb2.HelloRequest(), metadata=daemon.metadata).pid == daemon.process.pid


def test_it_ends_when_nothing_happens_for_long() -> None:
    with running_daemon({"ROAR_IDLE_EXIT_S": "0.3"}) as daemon:
        assert daemon.process.wait(PATIENCE_S) == 0
        assert "idle for" in daemon.log


def test_a_run_in_flight_keeps_it_awake(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    with running_daemon({"ROAR_IDLE_EXIT_S": "4"}) as daemon:
        daemon.init(root)
        run = Run(root)
        with run.held():
            daemon.begin(run)
            with pytest.raises(subprocess.TimeoutExpired):
                daemon.process.wait(6)
            daemon.finish(run.seal())
        assert daemon.process.wait(PATIENCE_S) == 0


def test_it_ends_when_its_socket_was_taken_and_leaves_the_other_alone() -> None:
    with running_daemon() as daemon:
        other = socket.socket(socket.AF_UNIX)
        other.bind(f"{daemon.runtime}/other")
        (daemon.runtime / "other").rename(daemon.runtime / "roard.sock")
        assert daemon.process.wait(PATIENCE_S) == 0
        assert (daemon.runtime / "roard.sock").exists()
        other.close()


def test_an_unsafe_runtime_directory_is_said_to_who_waits(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    out, into = os.pipe()
    environment = {**os.environ, "ROAR_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "roard", "--ready-fd", str(into)],
        env=environment,
        pass_fds=[into],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    os.close(into)
    with open(out, encoding="utf-8") as ready:
        assert ready.read().startswith("error: the runtime directory")
    assert done.returncode == 1
    assert "error[unsafe-runtime-dir]" in done.stderr


def test_a_home_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    with running_daemon({"XDG_STATE_HOME": "/proc/nowhere"}) as daemon:
        daemon.init(tmp_path.resolve())
        status = daemon.itself.GetDaemonStatus(daemon_pb2.GetDaemonStatusRequest(), metadata=daemon.metadata)
        assert status.log_path == bytes(daemon.runtime / "roard.log")


def test_garbage_on_the_socket_harms_nobody() -> None:
    with running_daemon() as daemon:
        for garbage in (b"\0" * 1000, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 500, os.urandom(4096)):
            with socket.socket(socket.AF_UNIX) as raw:
                raw.connect(f"{daemon.runtime}/roard.sock")
                raw.sendall(garbage)
        assert daemon.itself.Hello(daemon_pb2.HelloRequest(), metadata=daemon.metadata).pid == daemon.process.pid


def test_a_daemon_that_ends_refuses_new_work_politely(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    with running_daemon() as daemon:
        daemon.init(root)
        with (root / "big.bin").open("wb") as file:
            file.truncate(200 << 30)
        run = Run(root).seal([read_of(root / "big.bin")])
        daemon.begin_to_finish(run)
        daemon.itself.StopDaemon(daemon_pb2.StopDaemonRequest(), metadata=daemon.metadata)

        def reason() -> str:
            try:
                daemon.begin(Run(root))
            except grpc.RpcError as error:
                return refusal(error).reason
            return ""

        assert wait_for(reason, "a refusal") == "daemon-stopping"
        assert daemon.process.wait(PATIENCE_S) == 0
