"""What a process loads, by name and not by clock: a heavy module that creeps in costs every command."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

LOADED = re.compile(r"^import time:\s+\d+ \|\s+\d+ \|\s+(\S+)$", re.MULTILINE)
NEVER_IN_THE_CLIENT = {"roard", "sqlalchemy", "alembic", "pygit2", "uvloop", "blake3"}
NOT_FOR_HELP = NEVER_IN_THE_CLIENT | {"grpc", "google", "roar_proto", "rich", "asyncio", "tomlkit"}
NOT_IN_AN_IDLE_DAEMON = {"roar_client", "typer", "rich", "alembic", "pygit2"}


def packages_loaded(*arguments: str, cwd: Path | None = None) -> set[str]:
    """Returns the top-level packages that a Python process imports; it must end with 0."""
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return {module.partition(".")[0] for module in LOADED.findall(done.stderr)}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["status", "--help"]])
def test_help_loads_neither_grpc_nor_rich(arguments: list[str]) -> None:
    assert packages_loaded("-m", "roar_client", *arguments) & NOT_FOR_HELP == set()


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize("command", ["status", "log", "dag"])
def test_read_commands_load_nothing_of_the_daemon(project: Path, command: str) -> None:
    assert packages_loaded("-m", "roar_client", command, cwd=project) & NEVER_IN_THE_CLIENT == set()


def test_a_daemon_loads_what_only_some_requests_need_when_they_come() -> None:
    assert packages_loaded("-c", "import roard.__main__, roard.app") & NOT_IN_AN_IDLE_DAEMON == set()
