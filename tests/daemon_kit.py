"""A real daemon for tests, and run directories written by hand as the launcher would write them."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import grpc
from project_kit import GIT
from roar_proto.v1 import (
    daemon_pb2,
    daemon_pb2_grpc,
    jobs_pb2,
    jobs_pb2_grpc,
    lineage_pb2_grpc,
    live_pb2_grpc,
    run_pb2,
    sessions_pb2,
    sessions_pb2_grpc,
    tracers_pb2_grpc,
    types_pb2,
)

from roard.trace.format import Kind, write_sealed

T = TypeVar("T")
PATIENCE_S = 60.0


def wait_for(condition: Callable[[], T], what: str, seconds: float = PATIENCE_S) -> T:
    """Returns the first true value of a condition."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"waited in vain for {what}"
        select.select([], [], [], 0.01)
    return value


def git(root: Path, *words: str) -> None:
    """Runs git as somebody, in a repository."""
    subprocess.run([*GIT, *words], cwd=root, check=True, capture_output=True)


def stat_key(path: Path) -> types_pb2.StatKey:
    """Returns the stat of a file as a launcher would note it."""
    found = path.stat()
    return types_pb2.StatKey(
        dev=found.st_dev,
        ino=found.st_ino,
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
        ctime_ns=found.st_ctime_ns,
    )


def read_of(path: Path, *, executed: bool = False, replaced: bool = False, now_at: bytes = b"") -> run_pb2.FileRead:
    """Returns the use of a file as it is now."""
    stat = stat_key(path)
    return run_pb2.FileRead(path=bytes(path), stat=stat, executed=executed, replaced=replaced, now_at=now_at)


def write_of(path: Path, *, created: bool = True) -> run_pb2.FileWrite:
    """Returns the making of a file as it is now."""
    return run_pb2.FileWrite(path=bytes(path), stat=stat_key(path), created=created)


@dataclass
class Run:
    """A run directory, made as the launcher makes it."""

    root: Path
    argv: Sequence[bytes] = (b"python", b"train.py")
    cwd: Path | None = None
    step_name: str = ""
    kind: types_pb2.JobKind.ValueType = types_pb2.JOB_KIND_RUN
    git: types_pb2.GitState | None = None
    tracer_wanted: str = ""
    again_of: str = ""
    surroundings: run_pb2.Surroundings | None = None
    launcher_pid: int = field(default_factory=os.getpid)
    run_id: str = ""
    started_at_ns: int = field(default_factory=time.time_ns)
    alive: bool = False
    """Its launcher lives until it is sealed: a daemon that sweeps leaves it alone."""
    _lock: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __post_init__(self) -> None:
        # A version 7 UUID: begins with the time, so that directories sort by it.
        stamp = f"{time.time_ns() // 1_000_000:012x}"
        random = uuid.uuid4().hex
        self.run_id = self.run_id or f"{stamp[:8]}-{stamp[8:]}-7{random[:3]}-8{random[3:6]}-{random[6:18]}"
        self.path.mkdir(parents=True)
        if self.alive:
            self._lock.enter_context(self.held())
        write_sealed(bytes(self.path / "record"), Kind.RECORD, self.record)

    @property
    def path(self) -> Path:
        return self.root / ".roar" / "runs" / self.run_id

    @property
    def record(self) -> run_pb2.RunRecord:
        return run_pb2.RunRecord(
            run_id=self.run_id,
            kind=self.kind,
            project_root=bytes(self.root),
            cwd=bytes(self.cwd or self.root),
            argv=self.argv,
            step_name=self.step_name,
            tracer_wanted=self.tracer_wanted,
            again_of=self.again_of,
            started_at_ns=self.started_at_ns,
            launcher_pid=self.launcher_pid,
            hostname="box",
            user="ada",
            roar_version="0.0.0",
            git=self.git,
            surroundings=self.surroundings,
        )

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Holds the lock as a living launcher does."""
        with (self.path / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield

    def seal(
        self,
        reads: Sequence[run_pb2.FileRead] = (),
        writes: Sequence[run_pb2.FileWrite] = (),
        *,
        exit_code: int = 0,
        launcher_lost: bool = False,
        warnings: Sequence[types_pb2.Warning] = (),
        processes: Sequence[types_pb2.Process] = (),
    ) -> Run:
        """Ends the run with what it read and wrote; returns itself."""
        folded = run_pb2.FoldedTrace(
            tracer="ptrace",
            reads=reads,
            writes=writes,
            exit_code=exit_code,
            launcher_lost=launcher_lost,
            warnings=warnings,
            processes=processes,
            duration_ns=5_000_000,
        )
        write_sealed(bytes(self.path / "folded"), Kind.FOLDED, folded)
        self.release()
        return self

    def release(self) -> None:
        """Lets the lock go: its launcher is dead, or was never alive."""
        self._lock.close()

    @property
    def finish(self) -> jobs_pb2.FinishJobRequest:
        return jobs_pb2.FinishJobRequest(project_root=bytes(self.root), run_id=self.run_id)


class Daemon:
    """A daemon process of one test."""

    def __init__(self, home: Path, environment: dict[str, str] | None = None, under: Sequence[str] = ()) -> None:
        """`under`: a program that starts it, such as strace, with its arguments."""
        self.home = home
        self.under = under
        self.runtime = home / "run"
        self.environment = {
            **os.environ,
            "ROAR_RUNTIME_DIR": str(self.runtime),
            "XDG_STATE_HOME": str(home / "state"),
            **(environment or {}),
        }
        self.start()

    def start(self) -> None:
        """Starts the process and waits until it is ready."""
        out, into = os.pipe()
        self.process = subprocess.Popen(
            [*self.under, sys.executable, "-m", "roard", "--ready-fd", str(into)],
            env=self.environment,
            pass_fds=[into],
        )
        os.close(into)
        with open(out, encoding="utf-8") as ready:
            # Not to its end: a program around the daemon has it open as well.
            self.said = ready.readline()
        self.channel = grpc.insecure_channel(
            f"unix:{self.runtime}/roard.sock",
            options=[("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)],
        )
        self.jobs = jobs_pb2_grpc.JobServiceStub(self.channel)
        self.sessions = sessions_pb2_grpc.SessionServiceStub(self.channel)
        self.lineage = lineage_pb2_grpc.LineageServiceStub(self.channel)
        self.live = live_pb2_grpc.LiveServiceStub(self.channel)
        self.tracers = tracers_pb2_grpc.TracerServiceStub(self.channel)
        self.itself = daemon_pb2_grpc.DaemonServiceStub(self.channel)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("roar-token", (self.runtime / "roard.token").read_text()),)

    @property
    def log(self) -> str:
        return (self.home / "state" / "roar" / "roard.log").read_text()

    def kill(self) -> None:
        """Ends the daemon at once, and whatever it was started under."""
        pid = self.itself.Hello(daemon_pb2.HelloRequest(), metadata=self.metadata).pid
        self.channel.close()
        os.kill(pid, signal.SIGKILL)
        self.process.wait(PATIENCE_S)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Sends a signal and returns the exit status."""
        self.channel.close()
        self.process.send_signal(how)
        return self.process.wait(PATIENCE_S)

    def init(self, root: Path) -> sessions_pb2.InitProjectResponse:
        """Makes a project."""
        return self.sessions.InitProject(
            sessions_pb2.InitProjectRequest(project_root=bytes(root)), metadata=self.metadata
        )

    def begin(self, run: Run) -> jobs_pb2.BeginJobResponse:
        """Announces a run."""
        return self.jobs.BeginJob(jobs_pb2.BeginJobRequest(record=run.record), metadata=self.metadata)

    def finish(self, run: Run) -> jobs_pb2.Job:
        """Has a sealed run recorded and returns the job of the last message."""
        *_, last = self.jobs.FinishJob(run.finish, metadata=self.metadata)
        return last.job

    def begin_to_finish(self, run: Run) -> Iterator[jobs_pb2.FinishJobResponse]:
        """Returns the messages of a recording when the first is there, which is a sign that it has begun."""
        messages = iter(self.jobs.FinishJob(run.finish, metadata=self.metadata))
        return itertools.chain([next(messages)], messages)

    def job(self, root: Path, ref: str = "") -> jobs_pb2.Job:
        """Returns a job in full."""
        request = jobs_pb2.GetJobRequest(project_root=bytes(root), ref=ref)
        return self.jobs.GetJob(request, metadata=self.metadata).job

    def list_jobs(self, root: Path) -> Sequence[jobs_pb2.Job]:
        """Returns all jobs, newest first."""
        request = jobs_pb2.ListJobsRequest(project_root=bytes(root), limit=10_000, all_sessions=True)
        return self.jobs.ListJobs(request, metadata=self.metadata).jobs


def resident(daemon: Daemon) -> int:
    """Returns the resident memory of a daemon in bytes, looked at from outside: a question would wake it."""
    return int(Path(f"/proc/{daemon.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def refusal(error: grpc.RpcError) -> types_pb2.ErrorInfo:
    """Returns what the daemon says with an error status."""
    assert isinstance(error, grpc.Call)
    return next(
        types_pb2.ErrorInfo.FromString(value)
        for key, value in error.trailing_metadata() or ()
        if key == "roar-error-bin" and isinstance(value, bytes)
    )


SCRIPT = """\
#!/bin/sh
[ "$1" = internal-probe ] || exit 9
echo "$2" >> {folder}/calls
cat {folder}/"$2" 2>/dev/null || exit 0
exit 1
"""


COLLECTOR = """\
#!{python}
import json, os, socket, sys
open({folder!r} + "/calls", "a").write("ebpf ")
reason = open({folder!r} + "/ebpf").read().strip() if os.path.exists({folder!r} + "/ebpf") else ""
if os.path.exists(sys.argv[2] + "/collector.sock"):
    os.unlink(sys.argv[2] + "/collector.sock")
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
    listener.bind(sys.argv[2] + "/collector.sock")
    listener.listen()
    open({folder!r} + "/pid", "w").write(str(os.getpid()))
    print(json.dumps({{"usable": not reason, "reason": reason}}), flush=True)
    while not reason:
        peer, _ = listener.accept()
        peer.recv(4096), peer.send(b"ok"), peer.recv(4096)
        break
os.unlink(sys.argv[2] + "/collector.sock")
"""


def scripted_launcher(folder: Path) -> Path:
    """Makes a launcher of whose backends those do not work that have a file in the folder, with the reason in it.

    The collector beside it does not start for the same reason, and ends with whoever holds it.
    """
    for name, text in (("roar", SCRIPT), ("roar-collector", COLLECTOR)):
        (folder / name).write_text(text.format(folder=str(folder), python=sys.executable))
        (folder / name).chmod(0o755)
    return folder / "roar"


@contextlib.contextmanager
def running_daemon(environment: dict[str, str] | None = None, under: Sequence[str] = ()) -> Iterator[Daemon]:
    """Yields a daemon with runtime and state directories of its own, and ends it."""
    # Not in pytest's own folder: a socket's path has about 100 bytes.
    home = Path(tempfile.mkdtemp(prefix="roard-"))
    daemon = Daemon(home, environment, under)
    try:
        yield daemon
    finally:
        if daemon.process.poll() is None:
            # A program around it does not pass signals on.
            daemon.kill() if under else daemon.end()
        # Children of a daemon that was killed may go on writing for a moment.
        wait_for(lambda: is_removed(home), "the end of its children")


def is_removed(folder: Path) -> bool:
    """Removes a folder, and returns whether it is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
