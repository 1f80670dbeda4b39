"""Files that are made from others are current."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
PAGES = {
    "docs/errors.md": "python -m roard.errors",
    "docs/cli.md": "python -m roar_client.reference",
    "docs/config.md": "python -m roard.config",
}
WORDS = "tracers/launcher/src/words.tsv"


def run(command: str) -> subprocess.CompletedProcess[str]:
    words = shlex.split(command)
    assert words[0] == "python"
    return subprocess.run([sys.executable, *words[1:]], cwd=TOP, capture_output=True, text=True, check=False)


def test_python_stubs_are_those_of_the_contract() -> None:
    done = run("python proto/generate.py --check")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_page_is_what_its_command_prints(page: str) -> None:
    command = PAGES[page]
    text = (TOP / page).read_text()
    assert f"`{command}" in text, "the page does not say how it is made"
    done = run(command)
    assert done.returncode == 0, done.stderr
    assert text == done.stdout, f"not current: run `{command} > {page}`"


def test_the_words_that_the_launcher_completes_are_those_of_the_commands() -> None:
    done = run("python -m roar_client.completion_table")
    assert done.returncode == 0, done.stderr
    assert (TOP / WORDS).read_text() == done.stdout, f"not current: run `{' '.join(done.args[1:])} > {WORDS}`"
