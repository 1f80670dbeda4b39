"""Which programs the preload backend hands over to ptrace: those with system calls of their own, and no others."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

import pytest
from backend_kit import compiled, need, roar_run
from launcher_kit import newest_job, run

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="bytes of x86-64")

CALLS = {
    "syscall": "0x90, 0x90, 0x90, 0x0f, 0x05, 0x90",
    "int 0x80": "0x90, 0x90, 0x90, 0xcd, 0x80, 0x90",
}
CHANCES = {
    "lea of a far address": "0x48, 0x8d, 0x05, 0x0f, 0x05, 0x01, 0x00",
    "mov from a far address": "0x4c, 0x8b, 0x0d, 0x0f, 0x05, 0xfe, 0xff",
    "jne back, and cmp": "0x75, 0xcd, 0x80, 0xf8, 0x01",
}


def backends_of(project: Path, *words: str) -> set[str]:
    """Runs a command under preload; returns the backends that saw its processes."""
    done = run(*roar_run(need("preload")), *words, cwd=project)
    assert done.returncode == 0, done.stderr
    job = newest_job(project)
    assert job["complete"], job["warnings"]
    return {name for name, count in job["seen_by"].items() if count}


def program_with(code: str, folder: Path) -> str:
    """Makes a dynamic program that has these bytes in its text, and never runs them."""
    source = folder / "program.c"
    source.write_text(f'__asm__(".text\\n.byte {code}\\n");\nint main(void) {{ return 0; }}\n')
    return str(compiled(source, folder / "program"))


@pytest.mark.parametrize("code", CALLS.values(), ids=CALLS)
def test_a_program_that_calls_the_kernel_by_itself_is_handed_over(code: str, project: Path, tmp_path: Path) -> None:
    assert "ptrace" in backends_of(project, program_with(code, tmp_path))


@pytest.mark.parametrize("code", CHANCES.values(), ids=CHANCES)
def test_two_bytes_that_belong_to_other_instructions_are_no_call(code: str, project: Path, tmp_path: Path) -> None:
    assert backends_of(project, program_with(code, tmp_path)) == {"preload"}


@pytest.mark.parametrize("words", [("dd", "if=in", "of=out", "status=none"), ("ln", "in", "out")], ids=["dd", "ln"])
def test_dd_and_ln_are_not_handed_over(words: tuple[str, ...], project: Path) -> None:
    (project / "in").write_text("in")
    assert shutil.which(words[0])
    assert backends_of(project, *words) == {"preload"}
