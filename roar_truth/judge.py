"""Compares what was recorded of a case with the truth in its header."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from roar_truth.stage import FileState, Stage, ended_as_declared

MOST_NAMED = 6
LONGEST_NAME = 60


@dataclass(frozen=True)
class Recorded:
    """A job as the tool recorded it; names relative to the work folder, those outside left out."""

    status: int
    """Of the tool itself; negative: ended by that signal."""
    inputs: Mapping[bytes, str | None]
    """Hashes by name; None: the tool says that it does not know."""
    outputs: Mapping[bytes, str | None]
    warnings: tuple[str, ...]
    """Each begins with its code and a colon."""

    @property
    def codes(self) -> set[str]:
        return {warning.partition(":")[0] for warning in self.warnings}


@dataclass(frozen=True)
class Verdict:
    """How a case went."""

    case: str
    outcome: str
    """passed, failed, blind (missed something, and the record says so) or skipped"""
    problems: tuple[str, ...] = ()


def judge(stage: Stage, recorded: Recorded, after: Mapping[bytes, FileState], backend: str) -> Verdict:
    """Returns the verdict on a case that has run."""
    case = stage.case
    problems = tuple(_problems(stage, recorded, after))
    excuse = case.blind.get(backend)
    excused = excuse in recorded.codes or (excuse == "*" and recorded.codes)
    if problems and excused and ended_as_declared(case, recorded.status):
        return Verdict(case.name, "blind", problems)
    problems += tuple(_unexpected(recorded, case.warnings | case.tolerated, excuse))
    return Verdict(case.name, "failed" if problems else "passed", problems)


def _unexpected(recorded: Recorded, allowed: Collection[str], excuse: str | None) -> Iterator[str]:
    for warning in recorded.warnings:
        code = warning.partition(":")[0]
        if code not in allowed and excuse not in {code, "*"}:
            yield f"warned without reason: {warning}"


def _problems(stage: Stage, recorded: Recorded, after: Mapping[bytes, FileState]) -> Iterator[str]:
    case = stage.case
    if not ended_as_declared(case, recorded.status):
        yield f"ended with {recorded.status}, not {case.signal or case.exit}"
    yield from _differences("input", recorded.inputs.keys(), case.reads)
    yield from _differences("output", recorded.outputs.keys(), case.writes)
    yield from (f"did not warn: {code}" for code in sorted(case.warnings - recorded.codes))
    for name in sorted(recorded.inputs.keys() & case.reads & stage.before.keys()):
        yield from _wrong_input_hash(name, recorded.inputs[name], stage, after)
    for name in sorted(recorded.outputs.keys() & case.writes & after.keys()):
        if recorded.outputs[name] != after[name].digest:
            yield f"wrong hash of output {_shown(name)}: {recorded.outputs[name]}"


def _differences(word: str, found: Collection[bytes], truth: Collection[bytes]) -> Iterator[str]:
    if missed := set(truth) - set(found):
        yield f"missed {word}: {_listed(missed)}"
    if false := set(found) - set(truth):
        yield f"false {word}: {_listed(false)}"


def _wrong_input_hash(
    name: bytes, recorded: str | None, stage: Stage, after: Mapping[bytes, FileState]
) -> Iterator[str]:
    """The hash is that of the content from before, or not known because that content is nowhere any more."""
    before = stage.before[name]
    known = {name, *stage.case.writes}
    lies = [other for other in known & after.keys() if _is_same(after[other], before)]
    if recorded is None and lies and name not in stage.case.unhashed:
        yield f"no hash of input {_shown(name)}, whose content lies at {_shown(lies[0])}"
    if recorded is not None and recorded != before.digest:
        yield f"wrong hash of input {_shown(name)}: not of the content that was read"


def _is_same(now: FileState, before: FileState) -> bool:
    same_file = (now.device, now.inode) == (before.device, before.inode)
    return same_file and now.digest == before.digest and now.mtime_ns == before.mtime_ns


def _listed(names: Collection[bytes]) -> str:
    shown = sorted(map(_shown, names))
    more = f" and {len(shown) - MOST_NAMED} more" if len(shown) > MOST_NAMED else ""
    return " ".join(shown[:MOST_NAMED]) + more


def _shown(name: bytes) -> str:
    text = repr(os.fsdecode(name))
    return text if len(text) <= LONGEST_NAME else f"{text[:25]}...{text[-25:]}"
