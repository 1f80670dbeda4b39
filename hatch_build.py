"""Build hook of the wheel: compiles the programs beside the Python scripts, and the preload shim in `lib/roar`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NO_CARGO = """\
error[no-cargo]: `cargo` was not found, and the `roar` command is a Rust program
  needed: Rust 1.88 or newer, only to build from source
hint: install Rust (your distribution's package, or rustup), open a new shell and try again
"""

NO_CC = """\
error[no-cc]: no C compiler was found, and the preload backend of `roar` is written in C
  needed: `cc` (gcc or clang), only to build from source
hint: install gcc (or set CC), open a new shell and try again
"""

SHIM = "libroar_preload.so"


class LauncherHook(BuildHookInterface[Any]):
    """Runs cargo in tracers/; a second build with nothing changed takes a fraction of a second."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version
        cargo = shutil.which("cargo")
        if cargo is None:
            self.app.abort(NO_CARGO)
        launcher = self.compile(str(cargo), "launcher", "roar")
        build_data["shared_scripts"][str(launcher)] = "roar"
        collector = self.compile(str(cargo), "ebpf", "roar-collector")
        build_data["shared_scripts"][str(collector)] = "roar-collector"
        build_data["shared_data"][str(self.compile_shim(launcher.parent))] = f"lib/roar/{SHIM}"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag()}"

    def compile(self, cargo: str, package: str, program: str) -> Path:
        """Returns the path of the compiled program; cargo's progress and errors go to this build's own output."""
        tracers = Path(self.root) / "tracers"
        command = [cargo, "build", "--release", "--locked", "--package", package]
        # The BPF programs are compiled by `ziglang`, which is installed for this very Python.
        environment = {"ROAR_BPF_PYTHON": sys.executable} | os.environ
        done = subprocess.run(command, cwd=tracers, env=environment, check=False)
        if done.returncode != 0:
            self.app.abort(
                f"error[cargo-failed]: `{' '.join(command)}` in {tracers} ended with {done.returncode}, see above"
            )
        target = Path(os.environ.get("CARGO_TARGET_DIR", tracers / "target"))
        return (tracers / target / "release" / program).resolve()

    def compile_shim(self, target: Path) -> Path:
        """Returns the path of the compiled preload shim, in `target`."""
        compiler = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc")
        if compiler is None:
            self.app.abort(NO_CC)
        sources = Path(self.root) / "tracers" / "preload"
        shim = target / SHIM
        flags = (sources / "flags").read_text().split()
        files = sorted(map(str, sources.glob("*.c")))
        done = subprocess.run([str(compiler), *flags, "-o", str(shim), *files], check=False)
        if done.returncode != 0:
            self.app.abort(f"error[cc-failed]: `{compiler}` ended with {done.returncode} on {sources}, see above")
        return shim


def platform_tag() -> str:
    """Returns this machine's wheel tag, such as `linux_x86_64`."""
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")
