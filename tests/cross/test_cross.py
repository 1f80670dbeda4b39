"""Other machines and C libraries: the shim under aarch64 (by qemu) and musl, 32-bit programs, and what only compiles.

Nothing is installed here: without what a test needs it is skipped, and says for want of what. `scripts/need` brings it.
"""

from __future__ import annotations

import os
import platform
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from backend_kit import BACKENDS, compiled, need, roar_run
from launcher_kit import newest_job, written
from project_kit import make_project
from roar_proto.v1 import run_pb2

from roard.trace.format import Kind, unseal

TOP = Path(__file__).resolve().parents[2]
PRELOAD = TOP / "tracers" / "preload"
SOURCE = Path(__file__).parent / "files.c"
ARM_LIBRARIES = Path("/usr/aarch64-linux-gnu")
MUSL_LOADER = Path(f"/lib/ld-musl-{platform.machine()}.so.1")
READ = ["conf.txt", "in.txt"]
WRITTEN = ["final.txt", "log.txt", "out.txt"]
SHARED_LOG, VERSION, LOG_SIZE, TABLE_SIZE = 1, 2, 1 << 20, 24 + 8 * 4096


@pytest.fixture(scope="module")
def ground(module_daemon: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project to record in."""
    assert module_daemon
    return make_project(tmp_path_factory.mktemp("cross") / "project")


@pytest.fixture
def work(ground: Path) -> Iterator[Path]:
    """A folder with the files that files.c reads."""
    folder = ground / "data" / "work"
    folder.mkdir(parents=True)
    for name in ("in.txt", "conf.txt", "unused.txt"):
        (folder / name).write_text(f"{name}\n")
    yield folder
    shutil.rmtree(folder)


def zig(*words: str | Path) -> None:
    """Compiles with the zig of PyPI."""
    done = subprocess.run([sys.executable, "-m", "ziglang", "cc", *words], capture_output=True, text=True, check=False)
    if "No module named ziglang" in done.stderr:
        pytest.skip("needs ziglang from PyPI")
    assert done.returncode == 0, done.stderr


def cross_compiled_shim(target: str, folder: Path) -> Path:
    pytest.importorskip("ziglang")
    shim = folder / "libroar_preload.so"
    compiler = f"{sys.executable} -m ziglang cc -target {target}"
    words = ["make", "-s", "-C", str(PRELOAD), f"OUT={shim}", f"CC={compiler}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return shim


def shared_log(rundir: Path) -> None:
    """Makes the log as the launcher does (`create_log` in tracers/launcher/src/preload.rs)."""
    rundir.mkdir()
    header = struct.pack("<8sII6Q", b"ROARTRAC", VERSION, SHARED_LOG, time.monotonic_ns(), 64, 0, LOG_SIZE, 0, 0)
    table = struct.pack("<I", TABLE_SIZE)
    (rundir / "trace.preload").write_bytes((header + table).ljust(LOG_SIZE, b"\0"))


def variables(shim: Path, rundir: Path) -> dict[str, str]:
    """What the shim of a parent puts into the environment of a child (`inject` in tracers/preload/exec.c)."""
    told = f"{os.getpid()} {len(str(shim))} 0 {shim}\n/nothing\n{rundir}"
    return {"LD_PRELOAD": str(shim), "ROAR_PRELOAD": told, "ROAR_PAD": ""}


def folded(rundir: Path) -> run_pb2.FoldedTrace:
    subprocess.run(["roar", "internal-fold", rundir], check=True)
    path = rundir / "folded"
    return unseal(Kind.FOLDED, run_pb2.FoldedTrace, os.fsencode(path), path.read_bytes())


def names_below(folder: Path, paths: Iterable[bytes]) -> list[str]:
    found = (Path(os.fsdecode(path)) for path in paths)
    return sorted(path.name for path in found if path.parent == folder.resolve() and path.suffix == ".txt")


@pytest.mark.skipif(not ARM_LIBRARIES.exists(), reason="needs Debian's libc6-arm64-cross")
@pytest.mark.skipif(shutil.which("qemu-aarch64") is None, reason="needs Debian's qemu-user")
def test_the_shim_for_aarch64_records_under_qemu(work: Path, tmp_path: Path) -> None:
    shim, program, rundir = (
        cross_compiled_shim("aarch64-linux-gnu.2.17", tmp_path),
        tmp_path / "files",
        tmp_path / "run",
    )
    zig("-target", "aarch64-linux-gnu.2.17", "-O1", "-D_GNU_SOURCE", "-o", program, SOURCE)
    shared_log(rundir)
    given = [word for name, value in variables(shim, rundir).items() for word in ("-E", f"{name}={value}")]
    command = ["qemu-aarch64", "-L", str(ARM_LIBRARIES), *given, str(program)]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "LD_PRELOAD unset\n", "")
    trace = folded(rundir)
    assert names_below(work, (file.path for file in trace.reads)) == READ
    assert names_below(work, (file.path for file in trace.writes)) == WRITTEN


@pytest.mark.skipif(not MUSL_LOADER.exists(), reason="needs Debian's musl")
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_program_with_musl_is_recorded(backend: str, work: Path, ground: Path) -> None:
    need(backend)
    zig("-target", f"{platform.machine()}-linux-musl", "-dynamic", "-O1", "-D_GNU_SOURCE", "-o", work / "files", SOURCE)
    assert_recorded(backend, ground)
    tracers = {process["tracer"] for process in newest_job(ground)["processes"]}
    assert tracers == {backend}, "the shim works under musl, no other backend need step in"


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_32_bit_program_is_recorded(backend: str, work: Path, ground: Path) -> None:
    need(backend)
    compiled(SOURCE, work / "files", "-m32")
    assert_recorded(backend, ground)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_static_program_is_recorded(backend: str, work: Path, ground: Path) -> None:
    need(backend)
    compiled(SOURCE, work / "files", "-static")
    assert_recorded(backend, ground)


def assert_recorded(backend: str, ground: Path) -> None:
    command = [*roar_run(backend), "sh", "-c", "cd data/work && ./files"]
    done = subprocess.run(command, cwd=ground, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "LD_PRELOAD unset\n", "")
    job = newest_job(ground)
    read = sorted(Path(file["path"]).name for file in job["inputs"])
    assert read == ["conf.txt", "files", "in.txt"]
    assert sorted(Path(path).name for path in written(job)) == WRITTEN
    assert job["warnings"] == []


def test_the_interposer_for_macos_compiles(tmp_path: Path) -> None:
    library = tmp_path / "libroar_interpose.dylib"
    flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-shared"]
    zig("-target", "aarch64-macos.11.0", *flags, "-o", library, PRELOAD / "macos" / "interpose.c")
    assert library.read_bytes()[:4] == bytes.fromhex("cffaedfe"), "a 64-bit Mach-O file"
    assert b"__interpose" in library.read_bytes()


@pytest.mark.parametrize("machine", ["x86", "arm64"])
def test_the_bpf_programs_compile_for_each_machine(machine: str, tmp_path: Path) -> None:
    flags = ["-mcpu=v3", "-g", "-O2", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-c"]
    program = tmp_path / "roar.bpf.o"
    source = TOP / "tracers" / "bpf" / "roar.bpf.c"
    zig("-target", "bpfel-freestanding", f"-D__TARGET_ARCH_{machine}", *flags, source, "-o", program)
    assert program.read_bytes()[:4] == b"\x7fELF"


def test_ptrace_compiles_for_aarch64() -> None:
    installed = subprocess.run(["rustup", "target", "list", "--installed"], capture_output=True, text=True, check=False)
    if "aarch64-unknown-linux-gnu" not in installed.stdout:
        pytest.skip("needs `rustup target add aarch64-unknown-linux-gnu`")
    command = ["cargo", "check", "--locked", "--target", "aarch64-unknown-linux-gnu", "-p", "ptrace", "-p", "proc"]
    done = subprocess.run(command, cwd=TOP / "tracers", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
