"""The command line as a test sees it, and a pipeline recorded for it through a real daemon."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from daemon_kit import Daemon, Run, read_of, write_of
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from roar_proto.v1 import run_pb2, types_pb2

from roar_client.main import run
from roard.trace.format import Kind, write_sealed

SCHEMAS = Path(__file__).resolve().parent.parent / "docs" / "schema"
SNAPSHOTS = Path(__file__).parent / "cli" / "snapshots"
STARTED_NS = 1_700_000_000_000_000_000
"""2023-11-14 22:13:20 UTC."""
NOW_NS = STARTED_NS + 2 * 3600 * 1_000_000_000
COMMIT = "3f2a9c1b07de5566778899aabbccddeeff001122"
UID = re.compile(r"\b[0-9a-f]{8}\b(?!-)")
SESSION = re.compile(
    r"(?<=session )([0-9a-f]{12,64})|(?<=  session    )([0-9a-f]{12})|^[0-9a-f]{12}(?=  active|  closed)", re.MULTILINE
)


class FixedRun(Run):
    """A run that began at a known time."""

    @property
    def record(self) -> run_pb2.RunRecord:
        record = super().record
        record.started_at_ns = STARTED_NS
        record.roar_version = "0.1.0"
        return record

    def seal_as(self, folded: run_pb2.FoldedTrace) -> FixedRun:
        """Ends the run with this trace; returns itself."""
        write_sealed(bytes(self.path / "folded"), Kind.FOLDED, folded)
        self.release()
        return self


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    out: str
    err: str
    status: int

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Cli:
    """Runs commands in this process, as `roar-py` would."""

    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    cwd: Path

    def __call__(self, *words: str, cwd: Path | None = None) -> Said:
        self.monkeypatch.chdir(cwd or self.cwd)
        self.capsys.readouterr()
        status = run(words)
        out, err = self.capsys.readouterr()
        return Said(out, err, status)


@dataclass
class Recorder:
    """Records jobs in a project as the launcher would, without running anything."""

    daemon: Daemon
    root: Path
    uids: list[str] = field(default_factory=list)

    def put(self, files: Mapping[str, str]) -> None:
        """Writes files of the project to disk."""
        for name, content in files.items():
            path = self.root / os.fsdecode(os.fsencode(name))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    def job(
        self,
        command: str | Sequence[bytes],
        reads: Sequence[str] = (),
        writes: Mapping[str, str] | None = None,
        *,
        cwd: str = "",
        outside: Sequence[str] = (),
        kind: types_pb2.JobKind.ValueType = types_pb2.JOB_KIND_RUN,
        step_name: str = "",
        exit_code: int = 0,
        interrupted_by: int = 0,
        warnings: Sequence[types_pb2.Warning] = (),
        seen_by: Sequence[str] = ("ptrace", "ptrace"),
        events_lost: int = 0,
        git: types_pb2.GitState | None = None,
    ) -> str:
        """Records a command that read files which are there, and wrote others; returns the job's id."""
        read = [read_of(self.root / name, executed=name.endswith(".sh")) for name in reads]
        read += [read_of(Path(name)) for name in outside]
        self.put(writes or {})
        made = [write_of(self.root / name) for name in writes or {}]
        argv = [word.encode() for word in command.split()] if isinstance(command, str) else list(command)
        git = git or types_pb2.GitState(
            commit=COMMIT,
            branch="main",
            remote="https://example.org/digits.git",
            dirty=True,
            changed_paths=[b"train.py"],
        )
        directory = self.root / cwd
        recorded = FixedRun(self.root, argv=argv, cwd=directory, kind=kind, step_name=step_name, git=git, alive=True)
        folded = run_pb2.FoldedTrace(
            tracer=seen_by[0],
            reads=read,
            writes=made,
            processes=_processes(argv, seen_by),
            events_lost=events_lost,
            warnings=warnings,
            exit_code=None if interrupted_by else exit_code,
            exit_signal=interrupted_by or None,
            interrupted_by=interrupted_by,
            duration_ns=5_000_000,
        )
        recorded.seal_as(folded)
        uid = self.daemon.finish(recorded).uid
        self.uids.append(uid)
        return uid


def _processes(argv: Sequence[bytes], seen_by: Sequence[str]) -> list[types_pb2.Process]:
    python = types_pb2.Process(
        pid=41, exe=b"/usr/bin/python3", argv=argv, ended_ns=5_000_000, exit_code=0, tracer=seen_by[0]
    )
    child = types_pb2.Process(
        pid=42,
        parent_pid=41,
        exe=b"/usr/bin/git",
        argv=[b"git", b"status"],
        started_ns=1_000_000,
        ended_ns=2_000_000,
        exit_code=0,
        tracer=seen_by[1],
    )
    return [python, child]


def pipeline(recorder: Recorder) -> None:
    """Records preprocess → train → evaluate, which reads from both."""
    recorder.put({"raw.csv": "1,2\n", "config.json": "{}\n"})
    recorder.job("python preprocess.py", ["raw.csv", "config.json"], {"data/train.csv": "1\n", "data/test.csv": "2\n"})
    recorder.job("python train.py --lr 0.1", ["data/train.csv"], {"models/svc.bin": "model" * 300})
    recorder.job(
        "python evaluate.py",
        ["data/test.csv", "models/svc.bin"],
        {"reports/metrics.json": "97\n", "reports/plot.png": "p"},
    )


def masked(text: str, recorder: Recorder) -> str:
    """Returns text in which what differs from run to run is replaced by something of the same width."""
    for number, uid in enumerate(recorder.uids, 1):
        text = text.replace(uid, f"<job {number}>".ljust(8))
    text = text.replace(str(recorder.root), "<root>")
    text = re.sub(r"^(  (?:system|machine) {4,}).*", r"\1<machine>", text, flags=re.MULTILINE)
    text = SESSION.sub(lambda match: "s" * len(match.group()), text)
    return re.sub(
        r"(created|first seen)  .*", r"\1  <now>", re.sub(r"since .* ago|since just now", "since <now>", text)
    )


def check_snapshot(name: str, text: str) -> None:
    """Compares text with tests/cli/snapshots/NAME.txt; ROAR_UPDATE_SNAPSHOTS=1 writes the file instead."""
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("ROAR_UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), f"differs from {path.name}: ROAR_UPDATE_SNAPSHOTS=1 pytest writes it anew"


def _registry() -> Registry[Any]:
    contents = [json.loads(path.read_text()) for path in sorted(SCHEMAS.glob("*.json"))]
    return Registry().with_resources([(content["$id"], Resource.from_contents(content)) for content in contents])


def validate(name: str, document: Any) -> None:
    """Compares a document of `--json` with docs/schema/NAME.json."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    errors = list(Draft202012Validator(schema, registry=_registry()).iter_errors(document))
    assert errors == [], errors[0].message
    assert document["schema"] == "roar/1"
