"""Variables of the project are in the environment of its runs, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from launcher_kit import daemon_pid, jobs, newest_job, run


@pytest.fixture
def daemon(module_daemon: Path) -> Path:
    """One daemon serves the tests of this file."""
    return module_daemon


def env_of(project: Path, *words: str, **variables: str) -> bytes:
    """Returns what a recorded shell prints."""
    done = run("roar", "run", "-q", *words, cwd=project, env={**os.environ, **variables})
    assert done.returncode == 0, done.stderr
    return done.stdout


def set_variable(project: Path, name: str, value: str) -> None:
    assert run("roar", "env", "set", name, value, cwd=project).returncode == 0


@pytest.mark.parametrize("tracer", ["preload", "ptrace"])
def test_the_projects_value_wins_over_the_callers_and_comes_as_it_is(project: Path, tracer: str) -> None:
    set_variable(project, "A", "two\n$HOME ")
    set_variable(project, "EMPTY", "")
    program = 'printf "%s|%s|%s" "$A" "${EMPTY-unset}" "$B"'
    printed = env_of(project, "--tracer", tracer, "sh", "-c", program, A="caller's", EMPTY="x", B="caller's")
    assert printed == b"two\n$HOME ||caller's"
    assert newest_job(project)["complete"] is True


def test_the_command_is_looked_for_in_the_path_that_it_gets(project: Path) -> None:
    (project / "bin").mkdir()
    (project / "bin/tool").write_text('#!/bin/sh\necho "$PATH"\n')
    (project / "bin/tool").chmod(0o755)
    set_variable(project, "PATH", f"{project}/bin")
    assert env_of(project, "tool") == f"{project}/bin\n".encode()
    done = run("roar", "run", "no-such-tool", cwd=project)
    assert done.returncode == 127
    assert b"the PATH that `roar env` sets for this project" in done.stderr


def test_a_daemon_that_a_run_starts_does_not_get_them(project: Path) -> None:
    set_variable(project, "ONLY_FOR_JOBS", "1")
    assert run("roar", "daemon", "stop", cwd=project).returncode == 0
    assert env_of(project, "sh", "-c", 'echo "$ONLY_FOR_JOBS"') == b"1\n"
    environment = Path(f"/proc/{daemon_pid(project)}/environ").read_bytes()
    assert b"ONLY_FOR_JOBS" not in environment
    assert len(jobs(project)) == 1


def test_a_variable_that_no_job_can_get_keeps_the_command_from_starting_and_is_named_with_its_line(
    project: Path,
) -> None:
    (project / ".roar/config.toml").write_text("[env]\nA = '1'\n\"B C\" = '2'\n")
    done = run("roar", "run", "touch", "made", cwd=project)
    assert done.returncode == 125
    assert f"error[bad-config]: `{project}/.roar/config.toml:3`: `B C` is no name".encode() in done.stderr
    assert not (project / "made").exists()
