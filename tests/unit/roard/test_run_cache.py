"""What `--cached` keeps: contents by their hash, environments by theirs, and the rules of what may ever be kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from blake3 import blake3
from daemon_kit import Run, read_of, write_of
from hypothesis import given
from hypothesis import strategies as st
from roar_proto.v1 import run_pb2, types_pb2
from sqlalchemy import select

from roard.byte_size import parse_size
from roard.db.tables import CacheEntryRow
from roard.hashing.digest import Progress
from roard.project import Project
from roard.record import record_job
from roard.run_cache.keep import command_key, is_compiled, read_fingerprint
from roard.run_cache.objects import KeptObject, ObjectStore
from roard.run_cache.surroundings import first_difference, project_key, surroundings_of
from roard.run_cache.trim import trim, trim_excess
from roard.trace.rundir import RunDir

KEY = bytes(32)


def digest(content: bytes) -> bytes:
    return blake3(content).digest()


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(bytes(tmp_path / "objects"))


def keep(store: ObjectStore, tmp_path: Path, content: bytes, used_at_s: int = 0) -> bytes:
    """Puts a content into the store, as if it was used at some time; returns its digest."""
    file = tmp_path / "file"
    file.write_bytes(content)
    assert store.put(bytes(file), digest(content))
    os.utime(store.path_of(digest(content)), (used_at_s, used_at_s))
    return digest(content)


def test_a_content_is_kept_once_and_comes_back_as_it_was(store: ObjectStore, tmp_path: Path) -> None:
    kept = keep(store, tmp_path, b"abc")
    assert keep(store, tmp_path, b"abc", 7) == kept
    assert list(store.list()) == [KeptObject(kept, 3, 7_000_000_000)]
    copy = store.stage(store.path_of(kept), kept, 0o751)
    assert copy is not None
    assert (Path(os.fsdecode(copy)).read_bytes(), os.stat(copy).st_mode & 0o7777) == (b"abc", 0o751)
    assert (store.has(kept, 3), store.has(kept, 4), store.has(digest(b"x"), 1)) == (True, False, False)


def test_other_content_than_was_named_is_not_kept(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"new")
    assert not store.put(bytes(tmp_path / "file"), digest(b"old"))
    assert list(store.list()) == []
    assert list((tmp_path / "objects" / "new").iterdir()) == []


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink("/etc/passwd", path)])
def test_only_regular_files_are_kept(store: ObjectStore, tmp_path: Path, make: object) -> None:
    assert callable(make)
    make(bytes(tmp_path / "odd"))
    with pytest.raises(OSError, match="odd"):
        store.put(bytes(tmp_path / "odd"), digest(b""))


def test_what_a_killed_daemon_left_is_swept_when_it_is_old(store: ObjectStore, tmp_path: Path) -> None:
    keep(store, tmp_path, b"abc")
    for name in ("old", "young"):
        (tmp_path / "objects" / "new" / name).touch()
    os.utime(tmp_path / "objects" / "new" / "old", (1, 1))
    store.sweep()
    assert [path.name for path in (tmp_path / "objects" / "new").iterdir()] == ["young"]


def test_the_least_recently_used_go_first(store: ObjectStore, tmp_path: Path) -> None:
    kept = [keep(store, tmp_path, bytes([number]) * 10, number) for number in (3, 1, 2)]
    trim_excess(store, 20)
    assert {known.digest for known in store.list()} == {kept[0], kept[2]}
    trim_excess(store, 0)
    assert list(store.list()) == []


def test_what_no_job_could_be_restored_from_goes_unless_it_is_young(store: ObjectStore, tmp_path: Path) -> None:
    wanted, unused = keep(store, tmp_path, b"a", 1), keep(store, tmp_path, b"bb", 1)
    young = keep(store, tmp_path, b"ccc")
    os.utime(store.path_of(young))
    for dry_run in (True, False):
        told = trim(store, {wanted}, 100, dry_run=dry_run)
        assert (told.unused.number, told.unused.bytes, told.excess.number, told.kept.bytes) == (1, 2, 0, 4)
    assert {known.digest for known in store.list()} == {wanted, young}
    assert not store.has(unused, 2)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=12), st.integers(0, 300))
def test_as_few_go_as_must(files: list[tuple[int, int]], limit: int) -> None:
    from roard.run_cache.trim import _excess

    kept = [KeptObject(bytes([number]), size, at) for number, (size, at) in enumerate(files)]
    gone = _excess(kept, limit)
    left = [known for known in kept if known not in gone]
    assert sum(known.size for known in left) <= limit
    assert all(one.used_at_ns <= other.used_at_ns for one in gone for other in left)
    # The last one to go had to.
    assert not gone or sum(known.size for known in [*left, gone[-1]]) > limit


@given(
    st.dictionaries(
        st.from_regex(rb"[A-Z]{1,3}", fullmatch=True), st.binary(max_size=3).filter(lambda b: b"\0" not in b)
    )
)
def test_an_environment_differs_exactly_where_it_differs(environment: dict[bytes, bytes]) -> None:
    words = [name + b"=" + value for name, value in environment.items()]
    before = surroundings_of(words, KEY)
    assert first_difference(before, surroundings_of(reversed(words), KEY)) is None
    for name in environment:
        if name in {variable.name for variable in before.variables}:
            less = [word for word in words if not word.startswith(name + b"=")]
            assert first_difference(before, surroundings_of(less, KEY)) == name
            assert first_difference(surroundings_of(less, KEY), before) == name
            assert first_difference(before, surroundings_of([*less, name + b"=other"], KEY)) == name
    assert all(len(variable.hash) == 16 for variable in before.variables)


def test_a_key_is_made_once_and_is_the_owners(tmp_path: Path) -> None:
    objects = tmp_path / "objects"
    key = project_key(bytes(objects))
    assert (len(key), project_key(bytes(objects))) == (32, key)
    assert (objects / "key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in objects.iterdir()] == ["key"]
    (objects / "key").write_bytes(b"torn")
    assert project_key(bytes(objects)) not in {b"torn", key}
    one = surroundings_of([b"A=1"], key)
    assert first_difference(one, surroundings_of([b"A=1"], KEY)) == b"A"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0), ("10 GiB", 10 << 30), ("1.5 TiB", 3 << 39), ("500MB", 500_000_000), ("2k", 2000), ("7 B", 7),
        ("9999999 PiB", 2**63 - 1), ("", None), ("GiB", None), ("-1", None), ("1 GiBs", None), ("1e3", None),
    ],
)  # fmt: skip
def test_sizes_as_people_write_them(text: str, size: int | None) -> None:
    assert parse_size(text) == size


def test_compiled_python_is_known_by_its_name() -> None:
    names = (
        b"__pycache__/a.cpython-312.pyc",
        b"/p/__pycache__/a.b.cpython-312.opt-1.pyc",
        b"__pycache__/a.pypy310.pyc",
    )
    assert all(map(is_compiled, names))
    assert not any(map(is_compiled, (b"a.pyc", b"__pycache__/a.py", b"x__pycache__y/a.cpython-312.pyc")))


def test_a_command_is_its_words_in_its_directory() -> None:
    keys = [
        command_key("run", b"", [b"a", b"b"]),
        command_key("run", b"a", [b"b"]),
        command_key("build", b"", [b"a", b"b"]),
    ]
    assert len({*keys, command_key("run", b"", [b"a b"])}) == 4


def entry_of(project: Project, run: Run) -> CacheEntryRow | None:
    """Records a run, and returns what is known of its kept outputs."""
    job = record_job(project, RunDir(bytes(run.path)), Progress())
    with project.store.read() as session:
        return session.scalar(select(CacheEntryRow).where(CacheEntryRow.job_id == job.id))


def root_of(project: Project) -> Path:
    return Path(os.fsdecode(project.root))


def cached_run(project: Project) -> Run:
    root = root_of(project)
    (root / "in").write_text("in")
    (root / "out").write_text("out")
    return Run(root, surroundings=surroundings_of([b"A=1", b"TERM=x"], KEY))


def test_a_job_that_asked_for_it_keeps_its_outputs_and_what_they_depend_on(opened: Project) -> None:
    run = cached_run(opened)
    root = root_of(opened)
    run.seal(
        [read_of(root / "in"), read_of(Path("/etc/passwd")), read_of(Path("/proc/version"))], [write_of(root / "out")]
    )
    entry = entry_of(opened, run)
    assert entry is not None
    assert entry.refused == ""
    fingerprint = read_fingerprint(entry.fingerprint)
    assert [variable.name for variable in fingerprint.surroundings.variables] == [b"A"]
    assert [file.path for file in fingerprint.files] == [b"/etc/passwd"]
    assert [(mode.path, mode.mode) for mode in fingerprint.modes] == [(b"out", (root / "out").stat().st_mode & 0o7777)]
    assert (root / ".roar" / "objects" / digest(b"out").hex()[:2] / digest(b"out").hex()).read_text() == "out"


def test_nobody_who_did_not_ask_and_no_failure_keeps_anything(opened: Project) -> None:
    root = root_of(opened)
    (root / "out").write_text("out")
    assert entry_of(opened, Run(root).seal(writes=[write_of(root / "out")])) is None
    assert entry_of(opened, cached_run(opened).seal(writes=[write_of(root / "out")], exit_code=1)) is None
    assert not (root / ".roar" / "objects").exists()


def test_what_is_not_wholly_known_stands_for_nothing(opened: Project) -> None:
    root = root_of(opened)

    def refused(*reads: run_pb2.FileRead, writes: list[run_pb2.FileWrite] | None = None, warning: str = "") -> str:
        warnings = [types_pb2.Warning(code=warning, message="why")] if warning else []
        run = Run(root, surroundings=surroundings_of([b"A=1"], KEY))
        made = [write_of(root / "out")] if writes is None else writes
        entry = entry_of(opened, run.seal(reads, made, warnings=warnings))
        assert entry is not None
        assert (entry.fingerprint == b"") == bool(entry.refused)
        return entry.refused

    cached_run(opened)
    assert refused(warning="tracer-fallback") == ""
    assert refused(warning="io-uring") == "not everything that it did was seen"
    updated = write_of(root / "out")
    updated.updated = True
    assert refused(writes=[updated]) == "it added to `out`"
    assert refused(read_of(root / "in", replaced=True)) == "it changed or moved `in`, which it read"
    (root / "lib.py").write_text("")
    cache = root / "__pycache__" / "lib.cpython-312.pyc"
    cache.parent.mkdir(exist_ok=True)
    cache.write_bytes(b"")
    run = cached_run(opened)
    os.utime(root / "lib.py")
    entry = entry_of(opened, run.seal([read_of(cache)], [write_of(root / "out")]))
    assert entry is not None
    assert entry.refused == f"`{root}/lib.py` was changed meanwhile"


def test_a_full_disk_costs_the_kept_outputs_and_never_the_job(opened: Project) -> None:
    root = root_of(opened)
    (root / ".roar" / "objects").write_text("in the way")
    entry = entry_of(opened, cached_run(opened).seal(writes=[write_of(root / "out")]))
    assert entry is not None
    assert entry.refused.startswith("its outputs could not be kept: ")
