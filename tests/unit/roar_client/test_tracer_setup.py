"""The rights of the collector: what is asked, what is run, and nothing without consent."""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

import pytest

from roar_client import tracer_setup
from roar_client.errors import ClientError


@pytest.fixture
def collector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A collector beside the program, called by somebody who is not root and has a `sudo` that only notes."""
    for name, text in (("roar-collector", ""), ("sudo", f'#!/bin/sh\necho "$*" >> {tmp_path}/ran\n')):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "roar-py")])
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return tmp_path.resolve() / "roar-collector"


def ran(collector: Path) -> str:
    path = collector.parent / "ran"
    return path.read_text() if path.exists() else ""


def give(collector: Path, capabilities: int, *, effective: bool = True) -> None:
    low, high = capabilities & 0xFFFFFFFF, capabilities >> 32
    try:
        os.setxattr(collector, "security.capability", struct.pack("<5I", 0x02000000 | effective, low, 0, high, 0))
    except OSError as error:
        pytest.skip(f"file capabilities cannot be set here: {error}")


def test_with_consent_setcap_is_run_and_shown(collector: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tracer_setup.give_rights(yes=True)
    assert ran(collector) == f"setcap cap_bpf,cap_perfmon=ep {collector}\n"
    assert capsys.readouterr().err == f"sudo setcap cap_bpf,cap_perfmon=ep {collector}\n"


def test_without_consent_the_command_is_printed_and_not_run(collector: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClientError) as nobody:
        tracer_setup.give_rights(yes=False)
    assert nobody.value.cause == f"to be run: sudo setcap cap_bpf,cap_perfmon=ep {collector}"
    monkeypatch.setattr(tracer_setup, "can_ask", lambda: True)
    monkeypatch.setattr(tracer_setup, "ask", lambda _: False)
    with pytest.raises(ClientError) as refused:
        tracer_setup.give_rights(yes=False)
    assert refused.value.hint == "run it yourself, then `roar tracer check ebpf`"
    assert ran(collector) == ""


def test_root_needs_nothing(
    collector: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    tracer_setup.give_rights(yes=False)
    assert capsys.readouterr().out == "root may load programs into the kernel: nothing to set up\n"
    assert ran(collector) == ""


def test_what_is_there_is_not_given_again_and_can_be_taken_away(
    collector: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tracer_setup.take_rights(yes=True)
    assert capsys.readouterr().out == f"`{collector}` has no capabilities\n"
    give(collector, 1 << 38 | 1 << 39)
    tracer_setup.give_rights(yes=False)
    assert capsys.readouterr().out == f"`{collector}` has its capabilities already\n"
    tracer_setup.take_rights(yes=True)
    assert ran(collector) == f"setcap -r {collector}\n"


@pytest.mark.parametrize(
    ("capabilities", "effective"), [(1 << 38, True), (1 << 39 | 1, True), (1 << 38 | 1 << 39, False)]
)
def test_half_of_the_rights_are_none(collector: Path, capabilities: int, *, effective: bool) -> None:
    give(collector, capabilities, effective=effective)
    assert not tracer_setup.has_rights(str(collector))


def test_a_failed_setcap_is_said(collector: Path) -> None:
    (collector.parent / "sudo").write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(ClientError) as failed:
        tracer_setup.give_rights(yes=True)
    assert failed.value.fact.endswith("ended with 3")
