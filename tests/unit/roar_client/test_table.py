"""The table of commands agrees with the commands, and the reference with both."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest
import typer

from roar_client import reference
from roar_client.errors import REASONS
from roar_client.table import COMMANDS, NATIVE_USAGE

TOP = Path(__file__).resolve().parent.parent.parent.parent


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if not command.native])
def test_the_overview_says_what_the_command_says(name: str) -> None:
    parsed = typer.main.get_command(import_module(COMMANDS[name].module).app)
    assert inspect.cleandoc(parsed.help or "").splitlines()[0] == f"{COMMANDS[name].about}."
    assert parsed.epilog is not None
    assert "Examples:" in parsed.epilog


def test_every_command_module_is_in_the_table() -> None:
    modules = {path.stem for path in (TOP / "roar_client/commands").glob("*.py")} - {"__init__", "options"}
    assert modules == {name for name, command in COMMANDS.items() if not command.native}


def test_the_usage_of_native_commands_is_that_of_the_launcher() -> None:
    options, rest = NATIVE_USAGE.split(" [--] ")
    launcher = (TOP / "tracers/launcher/src/args.rs").read_text()
    assert f'"{options}"' in launcher
    assert f'"usage: roar {{verb}} {{options}} [--] {rest}"' in launcher


def test_every_reason_is_listed() -> None:
    source = "".join(path.read_text() for path in (TOP / "roar_client").rglob("*.py"))
    used = set(re.findall(r"ClientError\(\s*\"([a-z-]+)\"", source))
    assert used == set(REASONS)


def test_the_reference_is_current() -> None:
    written = (TOP / "docs/cli.md").read_text()
    assert written == reference.render(), "run `python -m roar_client.reference > docs/cli.md`"
