"""Runtime directory, lock and token of the daemon."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from roard.errors import DaemonAlreadyRunning, UnsafeRuntimeDir, reasons, render_table
from roard.lifecycle import open_runtime_dir
from roard.paths import choose_runtime_dir, to_absolute, to_stored
from roard.supervision.registry import Registry


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    base = Path(tempfile.mkdtemp(prefix="roard-")).resolve()
    monkeypatch.setenv("ROAR_RUNTIME_DIR", str(base / "run"))
    yield base / "run"
    shutil.rmtree(base)


def test_the_directory_is_made_private(place: Path) -> None:
    assert open_runtime_dir().path == bytes(place)
    assert place.stat().st_mode & 0o777 == 0o700


def test_a_directory_open_to_others_is_refused(place: Path) -> None:
    place.mkdir()
    place.chmod(0o755)
    with pytest.raises(UnsafeRuntimeDir, match="other users"):
        open_runtime_dir()


def test_a_symbolic_link_is_refused(place: Path) -> None:
    place.symlink_to("/tmp")
    with pytest.raises(UnsafeRuntimeDir, match="symbolic link"):
        open_runtime_dir()


def test_a_file_is_refused(place: Path) -> None:
    place.write_text("")
    with pytest.raises(UnsafeRuntimeDir, match="not a directory"):
        open_runtime_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_somebody_else_s_directory_is_refused(place: Path) -> None:
    place.mkdir(mode=0o700)
    os.chown(place, 12345, 12345)
    with pytest.raises(UnsafeRuntimeDir, match="another user"):
        open_runtime_dir()


@pytest.mark.usefixtures("place")
def test_the_lock_is_taken_once() -> None:
    runtime = open_runtime_dir()
    held = runtime.take_lock()
    with pytest.raises(DaemonAlreadyRunning, match=r"roard\.lock"):
        runtime.take_lock()
    os.close(held)
    os.close(runtime.take_lock())


def test_too_long_a_path_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROAR_RUNTIME_DIR", str(place / ("x" * 90)))
    with pytest.raises(UnsafeRuntimeDir, match="100 fit"):
        open_runtime_dir()


def test_places_are_tried_in_order(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROAR_RUNTIME_DIR")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place.parent))
    assert choose_runtime_dir() == bytes(place.parent / "roar")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/no/such/directory")
    monkeypatch.setattr(os, "geteuid", lambda: 999_999)
    monkeypatch.setenv("HOME", str(place.parent))
    assert choose_runtime_dir().startswith(bytes(place.parent / ".local/state/roar/run-"))
    monkeypatch.setenv("HOME", "/" + "x" * 150)
    assert choose_runtime_dir() == b"/tmp/roar-999999"


def test_every_token_is_new_and_private(place: Path) -> None:
    runtime = open_runtime_dir()
    first, second = runtime.write_token(), runtime.write_token()
    assert first != second == (place / "roard.token").read_text()
    assert (place / "roard.token").stat().st_mode & 0o777 == 0o600


def test_only_our_own_socket_is_removed(place: Path) -> None:
    runtime = open_runtime_dir()
    Path(os.fsdecode(runtime.unnamed_socket)).write_text("")
    inode = runtime.name_socket()
    assert runtime.has_socket(inode)
    (place / "successor").write_text("")
    (place / "successor").rename(place / "roard.sock")
    runtime.remove_socket(inode)
    assert (place / "roard.sock").exists()


def test_projects_are_remembered(tmp_path: Path) -> None:
    file = bytes(tmp_path / "state" / "projects")
    root = tmp_path / "line\nbreak"
    (root / ".roar" / "runs" / "x").mkdir(parents=True)
    registry = Registry(file)
    registry.add(bytes(root))
    registry.add(b"/gone")
    again = Registry(file)
    assert again.has(b"/gone")
    assert again.with_runs() == [bytes(root)]
    assert not Registry(file).has(b"/gone")


def test_a_list_of_projects_that_cannot_be_written_is_no_error() -> None:
    registry = Registry(b"/proc/nowhere/projects")
    registry.add(b"/p")
    assert registry.has(b"/p")


@pytest.mark.parametrize(
    ("path", "stored"),
    [(b"/p/a/b", b"a/b"), (b"/p", b""), (b"/pq/a", b"/pq/a"), (b"/x", b"/x"), (b"/p/\xff", b"\xff")],
)
def test_paths_of_the_project_are_stored_relative_to_it(path: bytes, stored: bytes) -> None:
    assert to_stored(b"/p", path) == stored
    assert to_absolute(b"/p", stored) == path


def test_every_error_has_a_reason_of_its_own_and_is_in_the_table() -> None:
    table = render_table()
    assert len({error.reason for error in reasons()}) == len(reasons())
    for error in reasons():
        assert f"| `{error.reason}` | {error.__doc__} |" in table


def test_the_errors_module_prints_the_table() -> None:
    printed = subprocess.run([sys.executable, "-m", "roard.errors"], capture_output=True, text=True, check=True).stdout
    assert printed == render_table()
