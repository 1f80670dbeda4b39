"""Commands without a snapshot elsewhere, and that there is one of every command."""

from __future__ import annotations

import re
import subprocess

import pytest
from cli_kit import SNAPSHOTS, Recorder, check_snapshot, masked

from roar_client.table import COMMANDS

SCENES: dict[str, tuple[tuple[str, ...], ...]] = {
    "init": (("init", "-y"), ("init", "-n")),
    "run": (("run", "-h"), ("run",), ("run", "--tracer", "dtrace", "true")),
    "build": (("build", "-h"),),
    "ps": (("ps",), ("ps", "--all")),
    "watch": (("watch",),),
    "tui": (("tui",),),
    "pop-and-back": (("pop", "-y"), ("pop", "--list"), ("pop", "--undo"), ("pop", "--undo")),
    "label-history": (
        ("label", "set", "job", "@2", "quality.f1=0.97", "by=ada"),
        ("label", "unset", "job", "@2", "by"),
        ("label", "cp", "job", "@2", "artifact", "models/svc.bin"),
        ("label", "show", "job", "@2"),
        ("label", "history", "job", "@2"),
    ),
    "reset": (("reset", "-y"), ("status",), ("session", "list")),
    "config-set": (
        ("config", "set", "tracer.default", "ptrace"),
        ("config", "get", "tracer.default"),
        ("config", "set", "tracer.default", "dtrace"),
        ("config", "set", "tracer.defaults", "ptrace"),
        ("config", "unset", "tracer.default"),
    ),
    "env-set": (
        ("env", "set", "SEED", "7"),
        ("env", "get", "SEED"),
        ("env", "set", "2SEED", "7"),
        ("env", "unset", "SEED"),
        ("env", "unset", "SEED"),
    ),
    "track": (("track", "models/"), ("track",)),
    "db": (("db", "check"), ("db", "info")),
    "gc": (("gc", "--dry-run"), ("gc",)),
    "daemon-status": (("daemon", "status"),),
    "completion": (("completion", "csh"),),
}


@pytest.mark.parametrize("name", SCENES)
def test_scene(recorded: Recorder, name: str) -> None:
    told = ""
    for words in SCENES[name]:
        said = subprocess.run(
            ["roar", *words],
            cwd=recorded.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        told += f"$ roar {' '.join(words)}\n{said.stdout}[exit status {said.returncode}]\n"
    check_snapshot(name, without_times(masked(told, recorded)))


def without_times(text: str) -> str:
    """Returns text without what differs from machine to machine and from run to run."""
    text = re.sub(r"^ .*/project$\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"/tmp/roard-[^/]*", "<daemon>", text)
    text = re.sub(r"pid \d+", "pid <pid>", text)
    text = re.sub(r"schema   \d+", "schema   <number>", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "<time>", text)
    text = re.sub(r"[\d.]+ ([KM]iB|B(?= of it))", "<size>", text)
    return re.sub(r"just now|\d+ seconds? ago", "<ago>", text)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_snapshot(name: str) -> None:
    alone = re.compile(rf"(stale-)?{name}(-.*)?\.txt")
    assert any(alone.fullmatch(path.name) for path in SNAPSHOTS.iterdir())
