"""At the end of a run: may its outputs ever stand for those of another run? If so, they are kept."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from blake3 import blake3
from roar_proto.v1 import cache_pb2, run_pb2

from roard.errors import shown
from roard.hashing.digest import Progress
from roard.model import HARMLESS_WARNINGS, CacheEntry, JobFacts, UsedFile
from roard.paths import to_absolute, to_stored
from roard.project import Project
from roard.run_cache.objects import ObjectStore
from roard.run_cache.trim import trim_excess

_KNOWN_BY_STAT = frozenset({"package", "system", "temporary"})
"""Rules of files that were left out, and that the outputs may depend on all the same."""
_WITHOUT_CONTENT = (b"/proc/", b"/sys/", b"/dev/")
_NO_OUTPUT = frozenset({"cache", "temporary", "ignored"})
"""Rules of files that were written, and that nobody will miss."""
_NO_MATTER = HARMLESS_WARNINGS | {"git-unreadable", "git-dirty-unknown"}
_COMPILED = re.compile(rb"(.*/)?__pycache__/([^/]+?)\.[a-z]+-?[0-9]+[^/]*\.pyc", re.DOTALL)


class _Refused(Exception):
    """The outputs can never stand for those of another run."""


@dataclass(frozen=True)
class Folded:
    """A run that has ended, and what is recorded of it."""

    trace: run_pb2.FoldedTrace
    facts: JobFacts


def keep_outputs(project: Project, record: run_pb2.RunRecord, run: Folded, progress: Progress) -> CacheEntry | None:
    """Keeps the outputs of a job that asked for it; None: it did not, or it did not end well.

    Never fails: what cannot be kept is noted in the entry. Call it outside of a transaction: it copies files.
    """
    facts = run.facts
    if not record.HasField("surroundings") or facts.status != "ok":
        return None
    command = command_key(facts.kind, facts.cwd, facts.argv)
    try:
        fingerprint = cache_pb2.CacheFingerprint(surroundings=record.surroundings, files=_seen_files(project, run))
        _check(project.root, run)
        fingerprint.modes.extend(_keep(project, facts, progress))
    except _Refused as reason:
        return CacheEntry(command, b"", str(reason))
    except OSError as error:
        return CacheEntry(command, b"", f"its outputs could not be kept: {error.strerror or error}")
    return CacheEntry(command, zlib.compress(fingerprint.SerializeToString(deterministic=True), 1), "")


def command_key(kind: str, cwd: bytes, argv: Iterable[bytes]) -> bytes:
    """Returns what equal commands in the same directory have in common; cwd in its stored form."""
    return blake3(b"\0".join((kind.encode(), cwd, *argv))).digest(length=16)


def read_fingerprint(packed: bytes) -> cache_pb2.CacheFingerprint:
    """Returns what keep_outputs() has packed."""
    return cache_pb2.CacheFingerprint.FromString(zlib.decompress(packed))


def is_compiled(path: bytes) -> bool:
    """Returns whether a file is what Python makes of a source, and makes again when it is missing."""
    return _COMPILED.fullmatch(path) is not None


def deciding_inputs(inputs: Iterable[UsedFile], outputs: Iterable[UsedFile]) -> list[UsedFile]:
    """Returns the inputs on which the outputs depend: Python reads the source of what it compiles anew."""
    written = {file.path for file in outputs if is_compiled(file.path)}
    return [file for file in inputs if file.path not in written]


def lasting_outputs(outputs: Iterable[UsedFile]) -> list[UsedFile]:
    """Returns the outputs that are kept and restored."""
    return [file for file in outputs if not is_compiled(file.path)]


def _check(root: bytes, run: Folded) -> None:
    """Raises _Refused for a job that might do something else the next time, or whose outputs are not all known."""
    facts = run.facts
    if facts.events_lost or any(warning.code not in _NO_MATTER for warning in facts.warnings):
        raise _Refused("not everything that it did was seen")
    inputs, outputs = deciding_inputs(facts.inputs, facts.outputs), lasting_outputs(facts.outputs)
    if not outputs:
        raise _Refused("it wrote no file")
    if outside := next((file for file in outputs if file.path.startswith(b"/")), None):
        raise _Refused(f"it wrote `{shown(outside.path)}` outside the project")
    if left_out := next((file for file in facts.dropped if file.written and file.rule not in _NO_OUTPUT), None):
        raise _Refused(f"it wrote `{shown(left_out.path)}`, which is not among its outputs")
    read = {file.path for file in inputs}
    if both := next((file for file in outputs if file.path in read), None):
        raise _Refused(f"it changed `{shown(both.path)}` in place")
    _check_trace(root, run, inputs, outputs)
    if unknown := next((file for file in (*inputs, *outputs) if not file.content.digest), None):
        raise _Refused(f"the content of `{shown(unknown.path)}` is not known")


def _check_trace(root: bytes, run: Folded, inputs: Iterable[UsedFile], outputs: Iterable[UsedFile]) -> None:
    """Raises _Refused for a job that needs its inputs where it has not left them, or what its outputs were before."""
    read = {to_absolute(root, file.path) for file in inputs} | _left_out(run.facts)
    gone = (use for use in run.trace.reads if use.path in read and (use.replaced or use.now_at))
    if moved := next(gone, None):
        raise _Refused(f"it changed or moved `{shown(to_stored(root, moved.path))}`, which it read")
    written = {to_absolute(root, file.path) for file in outputs}
    if added := next((use for use in run.trace.writes if use.path in written and use.updated), None):
        raise _Refused(f"it added to `{shown(to_stored(root, added.path))}`")


def _check_links(root: bytes, facts: JobFacts) -> None:
    """Raises _Refused for a job that made links or empty directories beside its outputs: only files are put back.

    Lists the directories from those of the outputs up to the project's; not those below, where it wrote nothing.
    """
    directories = {root}
    for file in lasting_outputs(facts.outputs):
        directory = os.path.dirname(to_absolute(root, file.path))
        while directory not in directories and len(directory) > len(root):
            directories.add(directory)
            directory = os.path.dirname(directory)
    for directory in sorted(directories):
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.path not in directories and _is_new_and_no_file(entry, facts.started_at_ns):
                    kind = "link" if entry.is_symlink() else "empty directory"
                    raise _Refused(f"it made the {kind} `{shown(to_stored(root, entry.path))}`")


def _is_new_and_no_file(entry: os.DirEntry[bytes], started_at_ns: int) -> bool:
    if entry.is_symlink():
        return entry.stat(follow_symlinks=False).st_ctime_ns >= started_at_ns
    if not entry.is_dir() or entry.name == b".roar" or entry.stat().st_ctime_ns < started_at_ns:
        return False
    with os.scandir(entry.path) as inside:
        return next(inside, None) is None


def _left_out(facts: JobFacts) -> set[bytes]:
    return {file.path for file in facts.dropped if not file.written and file.rule in _KNOWN_BY_STAT}


def _seen_files(project: Project, run: Folded) -> Iterator[cache_pb2.SeenFile]:
    """Yields what is known by its stat only, by path. Raises _Refused."""
    left_out = _left_out(run.facts)
    seen = {read.path: read for read in run.trace.reads if read.path in left_out}
    files = {path: (read.stat.size, read.stat.mtime_ns) for path, read in seen.items()}
    inputs = deciding_inputs(run.facts.inputs, run.facts.outputs)
    compiled = [*seen, *(to_absolute(project.root, file.path) for file in inputs)]
    files.update(_sources(compiled, run.facts.started_at_ns))
    for path in sorted(files):
        if not path.startswith(_WITHOUT_CONTENT):
            size, mtime_ns = files[path]
            yield cache_pb2.SeenFile(path=path, size=size, mtime_ns=mtime_ns)


def _sources(paths: Iterable[bytes], started_at_ns: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Yields size and mtime of the sources of compiled Python: it looks at these two, and does not open the file.

    Raises _Refused for one that was touched since the job began: which of both it was made from nobody knows.
    """
    for path in paths:
        match = _COMPILED.fullmatch(path)
        if match is None:
            continue
        source = (match.group(1) or b"") + match.group(2) + b".py"
        try:
            found = os.stat(source)
        except OSError:
            continue
        if max(found.st_mtime_ns, found.st_ctime_ns) > started_at_ns:
            raise _Refused(f"`{shown(source)}` was changed meanwhile")
        yield source, (found.st_size, found.st_mtime_ns)


def _keep(project: Project, facts: JobFacts, progress: Progress) -> list[cache_pb2.FileMode]:
    """Puts the outputs into the store; returns their modes by path. Raises _Refused, OSError."""
    outputs = lasting_outputs(facts.outputs)
    _check_links(project.root, facts)
    limit = project.settings().cache_max_size
    if sum({file.content.digest: file.content.size for file in outputs}.values()) > limit:
        raise _Refused("its outputs are larger than `cache.max_size`")
    store, modes = ObjectStore(objects_dir(project.root)), []
    for file in outputs:
        path = to_absolute(project.root, file.path)
        modes.append(cache_pb2.FileMode(path=file.path, mode=os.lstat(path).st_mode & 0o7777))
        if not store.put(path, file.content.digest, lambda size: progress.add(size=size)):
            raise _Refused(f"`{shown(to_stored(project.root, path))}` was changed right after it")
    trim_excess(store, limit)
    return modes


def objects_dir(root: bytes) -> bytes:
    """Returns where a project keeps contents."""
    return os.path.join(root, b".roar", b"objects")
