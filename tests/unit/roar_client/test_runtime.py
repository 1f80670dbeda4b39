"""The runtime directory: where, and when it is refused."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from roar_client import runtime
from roar_client.errors import ClientError
from roar_client.runtime import RuntimeDir, check_peer, choose, open_runtime_dir
from roard.paths import choose_runtime_dir

VARIABLES = ("ROAR_RUNTIME_DIR", "XDG_RUNTIME_DIR", "HOME")


@pytest.mark.parametrize(
    "environment",
    [
        {"ROAR_RUNTIME_DIR": "/somewhere/else"},
        {"ROAR_RUNTIME_DIR": "relative", "XDG_RUNTIME_DIR": "{tmp}"},
        {"XDG_RUNTIME_DIR": "{tmp}"},
        {"XDG_RUNTIME_DIR": "/not/there", "HOME": "{tmp}"},
        {"HOME": "{tmp}"},
        {"HOME": "{tmp}/" + "long" * 30},
        {"HOME": "relative"},
        {},
    ],
)
def test_client_and_daemon_choose_the_same_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value.replace("{tmp}", str(tmp_path)))
    assert choose() == choose_runtime_dir()


def opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> RuntimeDir:
    monkeypatch.setenv("ROAR_RUNTIME_DIR", str(path))
    return open_runtime_dir()


def test_a_new_directory_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = opened(tmp_path / "a" / "run", monkeypatch)
    assert made.path == bytes(tmp_path / "a" / "run")
    assert (tmp_path / "a" / "run").stat().st_mode & 0o777 == 0o700
    assert opened(tmp_path / "a" / "run", monkeypatch) == made
    assert made.token() == ""


def test_what_others_could_use_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "file").write_text("")
    problems = {
        "open": "other users have access to it",
        "link": "it is a symbolic link",
        "file": "it is not a directory",
        "n" * 120: "its socket would have a name of ",
    }
    for name, problem in problems.items():
        with pytest.raises(ClientError) as caught:
            opened(tmp_path / name, monkeypatch)
        assert caught.value.reason == "unsafe-runtime-dir"
        assert problem in caught.value.fact


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "theirs").mkdir(mode=0o700)
    os.chown(tmp_path / "theirs", 12345, 12345)
    with pytest.raises(ClientError, match="unsafe-runtime-dir"):
        opened(tmp_path / "theirs", monkeypatch)


def test_nobody_behind_the_socket_is_no_daemon(short_dir: Path) -> None:
    place = RuntimeDir(bytes(short_dir))
    assert not check_peer(place)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(place.socket)
    assert not check_peer(place)


def test_somebody_else_behind_the_socket_is_refused(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = RuntimeDir(bytes(short_dir))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(place.socket)
        server.listen()
        assert check_peer(place)
        monkeypatch.setattr(os, "geteuid", lambda: 4242)
        with pytest.raises(ClientError) as caught:
            check_peer(place)
    assert caught.value.reason == "foreign-daemon"


def test_a_directory_without_a_mount_table_counts_as_local(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runtime.is_local(b"/")
    monkeypatch.setattr("builtins.open", _no_file)
    assert runtime.is_local(b"/")


def _no_file(*_: object, **__: object) -> None:
    raise FileNotFoundError
