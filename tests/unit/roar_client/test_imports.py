"""Which modules a command loads, counted and not timed: they are nearly all of its cost."""

from __future__ import annotations

import subprocess
import sys

import pytest

NEVER = {"roard", "sqlalchemy", "alembic", "pygit2"}
# Enough of grpc, messages and rich to notice when one is imported too early; pydantic: typer 0.29 loads it to check
# the words of a command, for a tenth of a second of CPU.
HEAVY = {"textual", "grpc", "google", "roar_proto", "rich", "asyncio", "pydantic"}


def modules(code: str) -> set[str]:
    """Returns the top-level modules that are loaded after some code."""
    report = "import sys; print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stderr.split())


def run(*words: str) -> str:
    return f"from roar_client.main import run\nrun({list(words)!r})"


@pytest.mark.parametrize("words", [["--version"], ["--help"], []])
def test_the_overview_does_not_even_load_typer(words: list[str]) -> None:
    assert modules(run(*words)) & (NEVER | HEAVY | {"typer", "click", "importlib_metadata", "email"}) == set()


@pytest.mark.parametrize(
    "name", ["init", "status", "log", "show", "dag", "lineage", "reset", "daemon", "ps", "watch", "top", "tui"]
)
def test_the_help_of_a_command_loads_nothing_that_only_its_work_needs(name: str) -> None:
    assert modules(run(name, "--help")) & (NEVER | HEAVY) == set()


def test_one_command_does_not_load_the_others() -> None:
    code = run("log", "--help") + "\nimport sys; print(*(n for n in sys.modules if 'commands' in n), file=sys.stderr)"
    loaded = {name for name in modules(code) if name.startswith("roar_client.commands.")}
    assert loaded == {"roar_client.commands.log", "roar_client.commands.options"}


def test_talking_to_the_daemon_takes_grpc_but_not_rich_or_pydantic() -> None:
    loaded = modules("import roar_client.connection, roar_client.output.steps, roar_client.output.documents")
    assert "grpc" in loaded
    assert loaded & (NEVER | {"rich", "pydantic", "typer", "textual"}) == set()


def test_checking_the_words_of_a_command_takes_no_pydantic() -> None:
    """Fails with typer 0.29 and newer, which is why pyproject.toml keeps it out."""
    assert "pydantic" not in modules(run("log", "-n", "0"))
