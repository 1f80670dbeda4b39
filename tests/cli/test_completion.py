"""Completion as the shells do it, with what a daemon knows; none is started for it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cli_kit import Cli, Recorder
from daemon_kit import wait_for

BASH = """
source <(roar completion bash)
compopt() { :; }
COMP_LINE=$1 COMP_POINT=${#1}
_roar
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(shell: str, line: str, cwd: Path) -> list[str]:
    """Returns what a shell offers for the end of a line."""
    words = {
        "bash": ["bash", "-c", BASH, "bash", line],
        "fish": ["fish", "--no-config", "-c", "roar completion fish | source; complete -C $argv[1]", line],
    }
    done = subprocess.run(words[shell], cwd=cwd, capture_output=True, text=True, check=True)
    return [offer.partition("\t")[0] for offer in done.stdout.splitlines() if offer]


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_a_shell_offers_what_fits(recorded: Recorder, shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    root = recorded.root
    assert complete(shell, "roar sta", root) == ["status"]
    assert complete(shell, "roar log --status f", root) == ["failed"]
    assert "raw.csv" in complete(shell, "roar ignore raw", root)
    assert "cat" in complete(shell, "roar run ca", root)
    # bash takes `@` for the end of a word, so it is offered the rest. A busy machine may need more than the tenth of a
    # second that a shell waits.
    steps = {"bash": ["3", "2", "1"], "fish": ["@3", "@2", "@1"]}[shell]
    wait_for(lambda: set(steps) <= set(complete(shell, "roar show @", root)), "the steps of the project")
    wait_for(lambda: complete(shell, "roar config set output.q", root) == ["output.quiet"], "the settings")
    uid = recorded.uids[1]
    wait_for(lambda: uid in complete(shell, f"roar show {uid[:4]}", root), "the job")


def test_no_daemon_is_started_and_nothing_said_without_one(recorder: Recorder, tmp_path: Path) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    done = subprocess.run(
        ["roar", "internal-complete", "show", "@"],
        cwd=recorder.root,
        env={**os.environ, "ROAR_RUNTIME_DIR": str(runtime)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == (":files\n", "")
    assert not list(runtime.glob("*.sock"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_printed_for_each_shell_and_is_none_of_errors(cli: Cli, tmp_path: Path, shell: str) -> None:
    said = cli("completion", shell)
    assert (said.status, said.err) == (0, "")
    assert "roar internal-complete" in said.out
    if shutil.which(shell):
        (tmp_path / "script").write_text(said.out)
        assert subprocess.run([shell, "-n", tmp_path / "script"], check=False).returncode == 0
    assert cli("completion", "tcsh").status == 2
