"""Whether the parts of this installation are there, fit together and answer: one finding each, for `roar doctor`."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence

from roar_proto.v1 import tracers_pb2

from roar_client.connection import Daemon, connect
from roar_client.errors import ClientError, shown
from roar_client.findings import Finding, Installation
from roar_client.project import find_root, working_directory
from roar_client.runtime import open_runtime_dir
from roar_client.tracers import check_tracers
from roar_client.version import version

OLDEST_SQLITE = (3, 35, 0)
"""The first with RETURNING."""
_PATIENCE_S = 10


def find_launcher() -> str | None:
    """Returns the native `roar`: the one beside this program, else that on PATH."""
    beside = os.path.join(os.path.dirname(os.path.realpath(sys.argv[0])), "roar")
    return beside if os.access(beside, os.X_OK) else shutil.which("roar")


def examine(wanted: str) -> Installation:
    """Looks at everything; wanted: the backend that must work, empty: any. Starts a daemon when there is none."""
    findings = [_programs(), _guarded("runtime directory", _runtime_dir), _database(), _git()]
    tracers: Sequence[tracers_pb2.Tracer] = ()
    try:
        with connect() as daemon:
            findings += [_daemon(daemon), _guarded("project", lambda: _project(daemon))]
            tracers = check_tracers(daemon)
    except ClientError as error:
        findings.append(_wrong("daemon", error))
    return Installation([*findings, *_backends(tracers, wanted)], tracers)


def _guarded(name: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except ClientError as error:
        return _wrong(name, error)


def _wrong(name: str, error: ClientError) -> Finding:
    return Finding(name, "wrong", ": ".join(filter(None, (error.fact, error.cause))), error.hint)


def _programs() -> Finding:
    launcher = find_launcher()
    if launcher is None:
        return Finding("programs", "wrong", "the native `roar` is not there", "install roar again")
    theirs = _output(launcher, "internal-version")
    if theirs != version():
        text = f"`{launcher}` is of version {theirs or 'unknown'}, `roar-py` of {version()}"
        return Finding("programs", "wrong", text, "install roar again, in one environment only")
    return Finding("programs", "ok", f"roar {theirs} and roar-py, in {os.path.dirname(launcher)}")


def _runtime_dir() -> Finding:
    return Finding("runtime directory", "ok", shown(open_runtime_dir().path))


def _daemon(daemon: Daemon) -> Finding:
    hello = daemon.hello
    if hello.version != version():
        text = f"roard {hello.version} (pid {hello.pid}) is running, this is roar {version()}"
        return Finding("daemon", "wrong", text, "run `roar daemon restart` (no recorded job is lost)")
    return Finding("daemon", "ok", f"roard {hello.version} answers, pid {hello.pid}")


def _project(daemon: Daemon) -> Finding:
    """Has the daemon read the settings. Raises ClientError bad-config."""
    root = find_root(working_directory(), os.environb.get(b"HOME", b""))
    if root is None:
        return Finding("project", "ok", "none here")
    daemon.call(daemon.tracers.GetTracers, tracers_pb2.GetTracersRequest(project_root=root))
    return Finding("project", "ok", shown(root))


def _database() -> Finding:
    said = f"SQLite {sqlite3.sqlite_version}"
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        return Finding("database", "wrong", f"{said}, {oldest} or newer is needed", "use a newer Python")
    return Finding("database", "ok", said)


def _git() -> Finding:
    said = re.sub(r"^git version ", "", _output("git", "--version"))
    if not said:
        text = "`git` is not there: records do not say whether the work tree had changes"
        return Finding("git", "note", text, "install git")
    return Finding("git", "ok", said)


def _backends(tracers: Sequence[tracers_pb2.Tracer], wanted: str) -> Iterator[Finding]:
    if not tracers:
        return
    for tracer in tracers:
        if tracer.usable:
            yield Finding(tracer.name, "ok", f"works{', and auto takes it' if tracer.picked_by_auto else ''}")
        else:
            state = "wrong" if tracer.name == wanted else "note"
            yield Finding(tracer.name, state, f"does not work: {tracer.reason}", tracer.hint)
    if not any(tracer.usable for tracer in tracers):
        yield Finding("backends", "wrong", "none works: commands run, and nothing is seen of them")


def _output(*words: str) -> str:
    """Returns what a program prints; empty when it cannot be run or fails."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
