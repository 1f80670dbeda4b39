"""Writes the Python stubs of proto/roar/v1 to proto/python/roar_proto/v1; with --check only says if they are current.

The package is called roar_proto because `proto` and `roar` are taken on PyPI; protoc derives imports from the path of
the .proto file, so the one import line that it writes is moved to that package.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
STUBS = HERE / "python" / "roar_proto" / "v1"
OWN_IMPORT = re.compile(r"^from roar\.v1 import", re.MULTILINE)


def generate(target: Path) -> dict[str, str]:
    """Returns the text of every stub by file name; leaves protoc's own output in `target`."""
    sources = sorted(str(path) for path in (HERE / "roar" / "v1").glob("*.proto"))
    protoc = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={HERE}"]
    outputs = ("python", "grpc_python", "mypy", "mypy_grpc")
    subprocess.run([*protoc, *(f"--{kind}_out={target}" for kind in outputs), *sources], check=True)
    made = {path.name: path.read_text() for path in sorted((target / "roar" / "v1").iterdir())}
    wanted = {name: text for name, text in made.items() if "_grpc" not in name or "Stub" in text}
    stubs = {name: OWN_IMPORT.sub("from roar_proto.v1 import", text) for name, text in wanted.items()}
    # mypy-protobuf names modules in full: `roar.v1.jobs_pb2.Job`.
    return {name: re.sub(r"\broar\.v1\.(\w+_pb2)", r"roar_proto.v1.\1", text) for name, text in stubs.items()}


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        stubs = generate(Path(scratch))
    if "--check" in sys.argv[1:]:
        present = {path.name: path.read_text() for path in STUBS.glob("*_pb2*")}
        stale = sorted(name for name in present.keys() | stubs.keys() if present.get(name) != stubs.get(name))
        if stale:
            print(f"not current: {' '.join(stale)}; run `python proto/generate.py`", file=sys.stderr)
        return 1 if stale else 0
    STUBS.mkdir(parents=True, exist_ok=True)
    for old in STUBS.glob("*_pb2*"):
        old.unlink()
    for name, text in stubs.items():
        (STUBS / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
