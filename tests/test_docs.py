"""What the documents say is so: links lead somewhere, commands exist, no path of one machine stands in the tree."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
SKIPPED = {".git", ".venv", "build", "dist", "target", "node_modules", ".roar", "__pycache__", ".hypothesis"}
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SHELL_BLOCK = re.compile(r"```(?:sh|console)\n(.*?)```", re.DOTALL)
ROAR_COMMAND = re.compile(r"^(?:\$ )?roar ([a-z][a-z-]*)", re.MULTILINE)
MAKE_TARGET = re.compile(r"(?:^|[\s`(])make ([a-z][a-z-]*)", re.MULTILINE)
# Written with classes so that this file does not hold what it looks for.
MACHINE_PATH = re.compile(rb"(?:^|[^\w.}~])/(?:wor[k]|far[m]|roo[t]|tmp/tr[y])/", re.MULTILINE)


def tree() -> Iterator[Path]:
    """Yields the files that belong to the project."""
    for folder, inside, files in os.walk(TOP):
        inside[:] = sorted(name for name in inside if name not in SKIPPED and not name.endswith("_cache"))
        yield from (Path(folder, name) for name in sorted(files))


def documents() -> list[Path]:
    return [path for path in tree() if path.suffix == ".md"]


def anchors(document: Path) -> set[str]:
    """Returns the anchors of a document's headings, made as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(TOP)))
def test_links_lead_somewhere(document: Path) -> None:
    broken = []
    for link in LINK.findall(document.read_text()):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        file = document.parent / target if target else document
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(link)
    assert broken == []


def test_every_roar_command_of_the_readme_exists() -> None:
    blocks = "\n".join(SHELL_BLOCK.findall((TOP / "README.md").read_text()))
    mentioned = set(ROAR_COMMAND.findall(blocks))
    said = subprocess.run(["roar", "--help"], capture_output=True, text=True, check=True)
    known = set(re.findall(r"\b[a-z][a-z-]*\b", said.stdout))
    assert mentioned, "no commands found: has the README changed its form?"
    assert mentioned - known == set()


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_of_the_documents_exists(name: str) -> None:
    mentioned = set(
        MAKE_TARGET.findall("\n".join(re.findall(r"```sh\n.*?```|`[^`\n]+`", (TOP / name).read_text(), re.DOTALL)))
    )
    targets = set(re.findall(r"^([a-z-]+):", (TOP / "Makefile").read_text(), re.MULTILINE))
    assert mentioned
    assert mentioned - targets == set()


def test_no_path_of_one_machine_stands_in_the_tree() -> None:
    stray = [str(path.relative_to(TOP)) for path in tree() if MACHINE_PATH.search(path.read_bytes())]
    assert stray == []


def test_contributing_is_short_enough_to_be_read() -> None:
    assert len((TOP / "CONTRIBUTING.md").read_text().splitlines()) <= 80


def test_the_architecture_page_is_short_enough_to_be_read() -> None:
    assert len((TOP / "ARCHITECTURE.md").read_text().splitlines()) <= 250


def test_the_page_of_warnings_has_every_code_and_no_other() -> None:
    written = re.compile(r"""(?:[Ww]arning\((?:code=)?|code: |=> \()\s*"([a-z-]+)\"""")
    sources = [
        *(TOP / "tracers").glob("*/src/**/*.rs"),
        *(TOP / "tracers/preload").glob("*.c"),
        *(TOP / "roard").rglob("*.py"),
    ]
    codes = {code for path in sources for code in written.findall(path.read_text())}
    shim = "".join(path.read_text() for path in (TOP / "tracers" / "preload").glob("*.c"))
    codes |= set(re.findall(r'event_warning\("([a-z-]+)"', shim))
    page = set(re.findall(r"^\| `([a-z-]+)` \|", (TOP / "docs" / "warnings.md").read_text(), re.MULTILINE))
    assert page == codes


def test_every_reason_of_the_launcher_is_explained() -> None:
    sources = "".join(path.read_text() for path in (TOP / "tracers" / "launcher" / "src").glob("*.rs"))
    reasons = set(re.findall(r'(?:Failure::new|cannot)\(\s*"([a-z-]+)"', sources))
    explained = set(re.findall(r"^\| `([a-z-]+)`", (TOP / "docs" / "launcher-errors.md").read_text(), re.MULTILINE))
    assert reasons == explained
