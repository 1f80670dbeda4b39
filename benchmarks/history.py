"""Writes years of work into a project's database, through the code that records jobs: what queries are measured with.

Three pipelines side by side (clean, split, vocab, featurize, train, evaluate, note), a build step before them and an
ensemble, a report and plots behind them. Somebody changes parameters, code or raw data, and runs again what follows
from that; some jobs fail. A file's content follows from what its job read: running again without a change makes the
same content. Training goes on from a checkpoint and a log of results grows: both are updated in place. Each training
has a directory of its own. The same seed makes the same history.
"""

from __future__ import annotations

import random
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from blake3 import blake3
from roar_proto.v1 import run_pb2, types_pb2

from roard.db import sessions
from roard.model import Content, DroppedFile, JobFacts, UsedFile
from roard.project import Project
from roard.record import content_hash, store_job

SECOND_NS = 1_000_000_000
START_NS = 1_700_000_000 * SECOND_NS
JOBS_AT_ONCE = 100
"""In one transaction: a commit waits for the disk."""
TRACKS = ("prices", "reviews", "images")
STAGES = ("clean", "split", "vocab", "featurize", "train", "evaluate", "note")
MODULES = 30
SHARDS = 98
TEST_SHARDS = 20


@dataclass(frozen=True)
class Size:
    """How much is to be made."""

    jobs: int = 10_000
    sessions: int = 20
    seed: int = 1


@dataclass(frozen=True)
class Command:
    """A job to be recorded."""

    argv: Sequence[str]
    reads: Sequence[str]
    writes: Sequence[str]
    code: Sequence[str]
    kind: str = "run"
    settings: str = ""
    """What its results depend on besides the files."""


@dataclass
class Made:
    """How much was made."""

    jobs: int = 0
    uses: int = 0


@dataclass
class _Work:
    """The state of the work tree, and what happens in it."""

    chance: random.Random
    files: dict[str, bytes] = field(default_factory=dict)
    """Content by path."""
    runs: dict[str, list[str]] = field(default_factory=lambda: {track: [] for track in TRACKS})
    trainings: int = 0

    def content(self, path: str) -> bytes:
        return self.files.setdefault(path, _text(path, [b"first"]))

    def commands(self) -> Iterator[Command]:
        """Yields commands for ever."""
        yield _build()
        for track in TRACKS:
            yield from self._from(track, "clean")
        while True:
            yield from self._from(self.chance.choice(TRACKS), self._changed_stage())
            if self.chance.random() < 0.1:  # noqa: PLR2004
                yield from self._summary()

    def _changed_stage(self) -> str:
        (stage,) = self.chance.choices(STAGES, weights=(8, 5, 4, 14, 60, 8, 1))
        return stage

    def _from(self, track: str, first: str) -> Iterator[Command]:
        """Yields the commands of a pipeline from a stage on, whose code, data or parameters somebody changed."""
        if self.chance.random() < 0.7:  # noqa: PLR2004
            changed = {
                "clean": f"data/{track}/raw/part-{self.chance.randrange(SHARDS):03}.csv",
                "train": f"params/{track}.yaml",
            }.get(first, f"src/module_{STAGES.index(first):02}.py")
            self.files[changed] = _text(changed, [self.chance.randbytes(8)])
        for stage in STAGES[STAGES.index(first) :]:
            yield self._stage(track, stage)

    def _stage(self, track: str, stage: str) -> Command:
        raw, clean = _shards(f"data/{track}/raw", "csv"), _shards(f"data/{track}/clean", "parquet")
        train, test = _shards(f"data/{track}/train", "parquet"), _shards(f"data/{track}/test", "parquet", TEST_SHARDS)
        fed, fed_test = _shards(f"features/{track}/train", "npy"), _shards(f"features/{track}/test", "npy", TEST_SHARDS)
        vocab, params = f"data/{track}/vocab.json", f"params/{track}.yaml"
        match stage:
            case "clean":
                return _python(track, stage, raw, clean)
            case "split":
                return _python(track, stage, clean, [*train, *test])
            case "vocab":
                return _python(track, stage, train, [vocab])
            case "featurize":
                return _python(track, stage, [*train, *test, vocab, "build/libnative.so"], [*fed, *fed_test])
            case "train":
                return self._train(track, [*fed, params, "build/libnative.so"])
        run = self.runs[track][-1]
        if stage == "evaluate":
            return _python(track, stage, [*fed_test, f"{run}/model.pt"], [f"{run}/metrics.json"], run)
        log = f"logs/{track}.csv"
        return _python(track, stage, [f"{run}/metrics.json", log], [log], run)

    def _train(self, track: str, reads: list[str]) -> Command:
        self.trainings += 1
        run, checkpoint = f"runs/{track}/{self.trainings:05}", f"checkpoints/{track}/last.pt"
        self.runs[track].append(run)
        # One in eight begins anew, and reads no checkpoint.
        old = [checkpoint] if self.trainings % 8 else []
        return _python(track, "train", [*reads, *old], [checkpoint, f"{run}/model.pt", f"{run}/train.log"], run)

    def _summary(self) -> Iterator[Command]:
        newest = [run for track in TRACKS for run in self.runs[track][-8:]]
        models = [f"{run}/model.pt" for run in newest]
        metrics = [f"{run}/metrics.json" for run in newest]
        yield _python("", "ensemble", models, ["models/ensemble.pt"])
        yield _python("", "report", [*metrics, "models/ensemble.pt"], ["reports/summary.md", "reports/table.csv"])
        yield _python("", "plot", ["reports/table.csv"], [f"reports/plot-{name}.png" for name in TRACKS])

    def run(self, command: Command) -> tuple[list[UsedFile], list[UsedFile]]:
        """Returns inputs and outputs of a command, and keeps what it wrote."""
        read = [(path, "data", self.content(path)) for path in command.reads]
        read += [(path, "code", self.content(path)) for path in command.code]
        from_what = [content for _, _, content in read]
        inputs = [_used(path, role, content) for path, role, content in read]
        outputs = []
        for path in command.writes:
            is_new = path not in self.files
            self.files[path] = _text(path, [command.settings.encode(), *from_what])
            outputs.append(_used(path, "data", self.files[path], mark=is_new))
        return inputs, outputs


def write_history(project: Project, size: Size) -> Made:
    """Writes jobs into a project that has none, and the files as they are at the end onto the disk."""
    chance = random.Random(size.seed)  # noqa: S311
    work, made = _Work(chance), Made()
    commands = work.commands()
    session_jobs = -(-size.jobs // size.sessions)
    while made.jobs < size.jobs:
        with project.store.write() as session:
            if made.jobs and made.jobs % session_jobs == 0:
                sessions.reset(session, START_NS)
            for _ in range(min(JOBS_AT_ONCE, session_jobs - made.jobs % session_jobs, size.jobs - made.jobs)):
                command = next(commands)
                facts = _facts(project, made.jobs, command, work, chance)
                record = run_pb2.RunRecord(argv=facts.argv, cwd=project.root)
                store_job(session, project.root, record, facts, facts.started_at_ns)
                made.jobs += 1
                made.uses += len(facts.inputs) + len(facts.outputs)
    _put(Path(project.root.decode()), work.files)
    return made


def _facts(project: Project, number: int, command: Command, work: _Work, chance: random.Random) -> JobFacts:
    inputs, outputs = work.run(command)
    argv = [word.encode() for word in command.argv]
    failed = chance.random() < 0.03  # noqa: PLR2004
    return JobFacts(
        run_id=str(UUID(int=chance.getrandbits(128), version=4)),
        payload_hash=b"p" * 32,
        kind=command.kind,
        argv=argv,
        command=shlex.join(command.argv),
        cwd=b"",
        status="failed" if failed else "ok",
        exit_code=1 if failed else 0,
        exit_signal=None,
        started_at_ns=START_NS + number * 600 * SECOND_NS,
        duration_ns=chance.randrange(1, 500) * SECOND_NS,
        tracer="preload",
        events_lost=0,
        hostname="box",
        user="ada",
        roar_version="0.1.0",
        git=types_pb2.GitState(commit=f"{number // 50:040x}", branch="main", dirty=False),
        inputs=inputs,
        outputs=outputs,
        dropped=[DroppedFile(b"/usr/lib/python3/%d.so" % i, "system", written=False) for i in range(20)],
        processes=[
            types_pb2.Process(pid=7 + i, exe=b"/usr/bin/python3", argv=argv, ended_ns=5, exit_code=0) for i in range(3)
        ],
        warnings=[types_pb2.Warning(code="io-uring", message="a file may be missing")] if number % 50 == 0 else [],
        content_hash=content_hash(argv, project.root, inputs, outputs),
    )


def _build() -> Command:
    sources = [f"native/kernel_{i:02}.c" for i in range(8)]
    return Command(["make", "-C", "native"], [], ["build/libnative.so"], sources, kind="build")


def _python(track: str, stage: str, reads: Iterable[str], writes: Sequence[str], run: str = "") -> Command:
    script = "/".join(part for part in ("pipelines", track, f"{stage}.py") if part)
    modules = [f"src/module_{i:02}.py" for i in range(MODULES)]
    options = ["--out", run] if run else []
    return Command(["python", script, *options], list(reads), writes, [script, *modules], settings=run)


def _shards(folder: str, suffix: str, count: int = SHARDS) -> list[str]:
    return [f"{folder}/part-{i:03}.{suffix}" for i in range(count)]


def _text(path: str, made_from: Iterable[bytes]) -> bytes:
    hasher = blake3(path.encode())
    for part in made_from:
        hasher.update(part)
    digest = hasher.hexdigest()
    return (digest * (1 + int(digest[:1], 16))).encode()


def _used(path: str, role: str, content: bytes, *, mark: bool = False) -> UsedFile:
    return UsedFile(path.encode(), role, mark, Content(blake3(content).digest(), len(content), ""))


def _put(root: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
