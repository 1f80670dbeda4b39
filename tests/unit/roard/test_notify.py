"""What a service manager is told, at a real socket."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from roard.notify import notify, take_service_socket


@pytest.mark.parametrize("name", ["notify", "@roar-test-{pid}"])
def test_assignments_arrive_in_one_datagram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    name = name.format(pid=os.getpid())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:] if name.startswith("@") else name)
        notify(name, "READY=1", "STATUS=ready")
        assert manager.recv(100) == b"READY=1\nSTATUS=ready"


def test_a_manager_that_is_gone_or_never_was_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    notify("", "READY=1")
    assert caplog.text == ""
    notify("/nowhere/nobody", "READY=1")
    assert "the service manager cannot be told: [Errno 2]" in caplog.text


def test_children_do_not_learn_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/notify")
    assert take_service_socket() == "/run/notify"
    assert "NOTIFY_SOCKET" not in os.environ
    assert take_service_socket() == ""
