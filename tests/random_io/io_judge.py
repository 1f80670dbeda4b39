"""Compares what happened and what was recorded with what the predictor says."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from io_predictor import Prediction, ReadTruth
from io_recorder import Outcome
from roar_proto.v1 import run_pb2, types_pb2


@dataclass(frozen=True)
class Judgement:
    """What is wrong with one program."""

    model: tuple[str, ...]
    """The predictor is not right about the file system: then nothing else means anything."""
    record: tuple[str, ...]

    @property
    def is_bad(self) -> bool:
        return bool(self.model or self.record)

    def __str__(self) -> str:
        lines = [f"the model is wrong: {problem}" for problem in self.model]
        return "\n".join([*lines, *self.record])


def judge(prediction: Prediction, outcome: Outcome) -> Judgement:
    """Returns everything that is wrong."""
    model = tuple(_model_problems(prediction, outcome))
    return Judgement(model, () if model else tuple(_record_problems(prediction, outcome)))


def _model_problems(prediction: Prediction, outcome: Outcome) -> Iterator[str]:
    said = iter(outcome.said)
    for expected in prediction.said:
        if (found := next(said, "nothing")) != expected:
            yield f"line and result are `{found[:80]}`, expected `{expected[:80]}`"
            break
    yield from (f"more was said: `{line[:80]}`" for line in list(said)[:1])
    for path in sorted(prediction.tree.keys() | outcome.tree.keys()):
        expected_state, found_state = prediction.tree.get(path), outcome.tree.get(path)
        if expected_state != found_state:
            yield f"`{path}` is {_short(found_state)}, expected {_short(expected_state)}"


def _short(state: tuple[str, bytes] | None) -> str:
    return "not there" if state is None else f"{state[0]} of {len(state[1])}: {state[1][:20]!r}"


def _record_problems(prediction: Prediction, outcome: Outcome) -> Iterator[str]:
    yield from _differences("read", outcome.reads.keys(), prediction.reads.keys())
    yield from _differences("write", outcome.writes.keys(), prediction.writes.keys())
    for path in sorted(prediction.reads.keys() & outcome.reads.keys()):
        yield from _read_problems(path, prediction.reads[path], outcome.reads[path], outcome)
    for path in sorted(prediction.writes.keys() & outcome.writes.keys()):
        write = outcome.writes[path]
        if write.created != prediction.writes[path].created:
            yield f"write of `{path}`: created is {write.created}"
        if not _is_same(write.stat, outcome.now[path]):
            yield f"write of `{path}`: its stat is not that of the file"
    yield from (f"warned: {warning}" for warning in outcome.warnings)


def _differences(word: str, found: Collection[str], truth: Collection[str]) -> Iterator[str]:
    yield from (f"missed {word}: `{path}`" for path in sorted(set(truth) - set(found)))
    yield from (f"false {word}: `{path}`" for path in sorted(set(found) - set(truth)))


def _read_problems(path: str, truth: ReadTruth, read: run_pb2.FileRead, outcome: Outcome) -> Iterator[str]:
    now_at = _below(read.now_at, read.path, path)
    if read.executed != truth.executed:
        yield f"read of `{path}`: executed is {read.executed}"
    if (read.stat.size, read.stat.ino) != (truth.size, outcome.inodes[path]):
        yield f"read of `{path}`: its stat is of another content, {read.stat.size} bytes, not {truth.size}"
    if read.replaced:
        if truth.known_at:
            yield f"read of `{path}`: called replaced, but lies at {sorted(truth.known_at)}"
        return
    lies = now_at or path
    if lies not in truth.lies_at:
        yield f"read of `{path}`: said to lie at `{lies}`, but lies at {sorted(truth.lies_at) or 'no place'}"
    elif not _is_same(read.stat, outcome.now[lies]):
        yield f"read of `{path}`: its stat is not that of `{lies}`, where it lies"
    elif now_at and path in truth.known_at:
        yield f"read of `{path}`: said to have moved to `{now_at}`"


def _below(other: bytes, whole: bytes, path: str) -> str:
    """Returns another path of the same program, relative to its folder as `path`, which is `whole`."""
    top = whole[: len(whole) - len(os.fsencode(path))]
    return os.fsdecode(other.removeprefix(top))


def _is_same(stat: types_pb2.StatKey, now: os.stat_result) -> bool:
    return (stat.ino, stat.size, stat.mtime_ns) == (now.st_ino, now.st_size, now.st_mtime_ns)
