"""The wheel that `pip install .` makes: native launcher, Python scripts, and all that the code reads at run time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

TOP = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    done = subprocess.run([*pip, str(folder), str(TOP)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_is_for_this_platform_and_any_python_3(wheel: Path) -> None:
    version = (TOP / "VERSION").read_text().strip()
    name, said_version, *tag = wheel.stem.split("-")
    assert (name, said_version, tag[:2]) == ("roar", version, ["py3", "none"])
    assert tag[2] != "any"


def test_the_launcher_is_a_native_program_among_the_scripts(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        launcher = next(name for name in archive.namelist() if name.endswith(".data/scripts/roar"))
        assert archive.read(launcher)[:4] == b"\x7fELF"
        entry_points = archive.read(next(name for name in archive.namelist() if name.endswith("entry_points.txt")))
    assert b"roard = roard.__main__:main" in entry_points
    assert b"roar-py = roar_client.main:main" in entry_points


def test_every_python_file_and_migration_is_in_the_wheel(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    here = {
        str(path.relative_to(base))
        for base, package in [
            (TOP, "roard"),
            (TOP, "roar_client"),
            (TOP, "lineage_graph"),
            (TOP, "roar_truth"),
            (TOP, "migrations"),
            (TOP / "proto" / "python", "roar_proto"),
        ]
        for path in (base / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    cases = {f"roar_truth/cases/{path.name}" for path in (TOP / "tests" / "conformance" / "cases").iterdir()}
    units = {"roar_client/units/systemd/roard.service", "roar_client/units/launchd/org.roar.roard.plist"}
    assert (here | cases | units) - packed == set()
