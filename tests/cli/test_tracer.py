"""`roar tracer`, where the daemon's launcher is a script that says which backends work."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_kit import Cli, check_snapshot, validate
from daemon_kit import Daemon, running_daemon, scripted_launcher


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a file for every backend that does not work, with the reason."""
    folder = tmp_path_factory.mktemp("tracers")
    (folder / "ebpf").write_text("the kernel refuses to load its programs: EPERM\n")
    return folder


@pytest.fixture(scope="module")
def daemon(folder: Path) -> Iterator[Daemon]:
    with running_daemon({"ROAR_LAUNCHER": str(scripted_launcher(folder))}) as daemon:
        yield daemon


@pytest.fixture
def cli(tmp_path: Path, daemon: Daemon, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line in a fresh project."""
    monkeypatch.setenv("ROAR_RUNTIME_DIR", str(daemon.runtime))
    monkeypatch.setenv("HOME", str(tmp_path))
    root = tmp_path.resolve() / "project"
    root.mkdir()
    daemon.init(root)
    return Cli(capsys, monkeypatch, root)


def timeless(text: str) -> str:
    return re.sub(r"in \d+ms", "in 9ms", text)


def test_status_says_what_works_and_why_not(cli: Cli) -> None:
    said = cli("tracer", "status")
    assert (said.status, said.err) == (0, "")
    by_root = "it needs a kernel with BTF (/sys/kernel/btf/vmlinux), CAP_BPF and CAP_PERFMON"
    check_snapshot("tracer-status", timeless(said.out).replace(by_root, "run `roar tracer setup ebpf`"))


def test_status_follows_the_project_and_has_defaults_elsewhere(cli: Cli, tmp_path: Path) -> None:
    (cli.cwd / ".roar/config.toml").write_text('[tracer]\ndefault = "ebpf"\nfallback = false\n')
    head = "default  ebpf, here preload; when it does not work, no other takes its place\n"
    assert cli("tracer", "status").out.startswith(head)
    elsewhere = "default  auto, here preload; when it does not work, the next best one takes its place\n"
    assert cli("tracer", "status", cwd=tmp_path).out.startswith(elsewhere)
    (cli.cwd / ".roar/config.toml").write_text("[tracer]\ndefault = 1\n")
    assert cli("tracer", "status").err.startswith("error[bad-config]")


@pytest.mark.parametrize(
    ("words", "status", "names"),
    [(("ptrace",), 0, ["ptrace"]), (("ebpf",), 1, ["ebpf"]), ((), 0, ["ebpf", "preload", "ptrace"])],
)
def test_check_probes_now_and_tells_by_its_exit_status(
    cli: Cli, folder: Path, words: tuple[str, ...], status: int, names: list[str]
) -> None:
    cli("tracer", "status")
    (folder / "calls").write_text("")
    said = cli("tracer", "check", *words)
    assert (said.status, said.err) == (status, "")
    assert (folder / "calls").read_text().split() == names
    assert ("does not work  the kernel refuses" in said.out) == ("ebpf" in names)


@pytest.mark.parametrize("words", [("status",), ("check",), ("check", "ptrace")])
def test_json_is_valid(cli: Cli, words: tuple[str, ...]) -> None:
    said = cli("tracer", *words, "--json")
    assert said.status == 0
    validate("tracer", said.json)


def test_set_default_writes_the_configuration_and_says_what_it_comes_to(cli: Cli) -> None:
    path = cli.cwd / ".roar/config.toml"
    before = path.read_text()
    said = cli("tracer", "set-default", "ptrace")
    assert (said.status, said.out, said.err) == (0, f'tracer.default is "ptrace" now, in {path}\n', "")
    assert path.read_text() == before.replace('# default = "auto"', 'default = "ptrace"')
    said = cli("tracer", "set-default", "ebpf")
    assert said.err == "note: ebpf does not work here, preload takes its place; `roar tracer check ebpf` says why\n"
    assert (cli("tracer", "set-default", "auto").err, path.read_text()) == (
        "",
        before.replace('# default = "auto"', 'default = "auto"'),
    )


def test_set_default_refuses_what_is_no_backend(cli: Cli, tmp_path: Path) -> None:
    before = (cli.cwd / ".roar/config.toml").read_text()
    said = cli("tracer", "set-default", "dtrace")
    assert said.status == 2
    assert said.err.startswith("error[usage]: invalid value for `BACKEND`: `dtrace` is not one of `auto`, `ebpf`")
    assert (cli.cwd / ".roar/config.toml").read_text() == before
    assert cli("tracer", "set-default", "ptrace", cwd=tmp_path).err.startswith("error[no-project]")


def test_setup_of_what_needs_nothing_is_a_check(cli: Cli) -> None:
    said = cli("tracer", "setup", "ptrace")
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith("  ptrace  works ")


def test_setup_without_a_collector_says_so(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "roar-py")])
    said = cli("tracer", "setup", "ebpf")
    assert (said.status, said.err.splitlines()[0]) == (
        1,
        "error[no-collector]: the program `roar-collector` is not there",
    )
