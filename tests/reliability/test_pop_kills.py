"""The daemon is killed at every named place of `roar pop` and of its undo: no file and no row is lost, ever."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import grpc
import pytest
from crash_kit import recording
from daemon_kit import Daemon, Run, read_of, write_of
from roar_proto.v1 import jobs_pb2 as pb
from test_failpoints import AT_POP, Rows, died_in, rows

POPPED = ("popped", "popped_files", "popped_artifacts")
AT_UNDO = tuple(name for name in AT_POP if name.startswith("undo."))
Contents = dict[str, str]


def record(daemon: Daemon, root: Path, name: str, files: int) -> str:
    """Records a job that made some files in a directory of its own; returns its id."""
    made = [root / name / f"file {number}" for number in range(files)]
    for file in made:
        file.parent.mkdir(exist_ok=True)
        file.write_text(str(file))
    run = Run(root, argv=[b"make", os.fsencode(name)]).seal(
        [read_of(root / "file0")], [write_of(file) for file in made]
    )
    return daemon.finish(run).uid


def pop(daemon: Daemon, root: Path, uid: str = "") -> pb.PopJobResponse:
    request = pb.PopJobRequest(project_root=bytes(root), job_uid=uid)
    return daemon.jobs.PopJob(request, metadata=daemon.metadata)


def undo(daemon: Daemon, root: Path, uid: str = "") -> pb.UndoPopResponse:
    request = pb.UndoPopRequest(project_root=bytes(root), job_uid=uid)
    return daemon.jobs.UndoPop(request, metadata=daemon.metadata)


def recorded(root: Path) -> Rows:
    """Returns the content of the database but for what was popped."""
    return {name: found for name, found in rows(root / ".roar").items() if name not in POPPED}


def contents(root: Path) -> Contents:
    """Returns the files of the project by path."""
    files = (path for path in root.rglob("*") if path.is_file() and not {".roar", ".git"} & {*path.parts})
    return {str(path.relative_to(root)): path.read_text() for path in files}


def in_trash(root: Path) -> Contents:
    """Returns the files of the trash by the path that they had."""
    top = root / ".roar" / "trash"
    files = [path for path in top.rglob("*") if path.is_file()]
    return {"/".join(path.relative_to(top).parts[1:]): path.read_text() for path in files}


@pytest.mark.parametrize(
    ("name", "asked_again"),
    [
        *((name, True) for name in AT_POP),
        # Nobody asks again: the next undo finds what is left.
        *((name, False) for name in ("pop.committed", "pop.moved", "undo.restored", "undo.committed")),
    ],
)
def test_a_kill_loses_neither_a_file_nor_a_row(tmp_path: Path, name: str, *, asked_again: bool) -> None:
    with recording(tmp_path.resolve() / "project", {"ROAR_FAILPOINTS": f"{name}=kill"}) as (daemon, runs):
        root = runs.root
        record(daemon, root, "kept", 1)
        uid = record(daemon, root, "popped", 3)
        before = recorded(root), contents(root)
        ask = undo if name in AT_UNDO else pop
        if ask is undo:
            pop(daemon, root, uid)
        died_in(daemon, lambda: ask(daemon, root, uid))
        assert {**in_trash(root), **contents(root)} == before[1], "every file has a name"
        daemon.environment.pop("ROAR_FAILPOINTS")
        daemon.start()
        if asked_again:
            assert ask(daemon, root, uid).job.uid == uid
            gone = set() if ask is undo else {f"popped/file {number}" for number in range(3)}
            assert (set(in_trash(root)), set(contents(root))) == (gone, set(before[1]) - gone)
        with contextlib.suppress(grpc.RpcError):
            undo(daemon, root)
        assert (recorded(root), contents(root), in_trash(root)) == (*before, {})
        # As if nothing had happened: what a kill has left is in nobody's way.
        pop(daemon, root, uid)
        undo(daemon, root, uid)
        assert (recorded(root), contents(root), in_trash(root)) == (*before, {})


def test_an_error_on_the_way_back_takes_everything_back(tmp_path: Path) -> None:
    failing = "undo.restored=error:ENOSPC@2,undo.put-back=error:EIO@1"
    with recording(tmp_path.resolve() / "project", {"ROAR_FAILPOINTS": failing}) as (daemon, runs):
        root = runs.root
        uid = record(daemon, root, "popped", 3)
        before = recorded(root), contents(root)
        pop(daemon, root)
        between = recorded(root), contents(root), in_trash(root)
        with pytest.raises(grpc.RpcError, match="cannot be brought back"):
            undo(daemon, root, uid)
        assert (recorded(root), contents(root), in_trash(root)) == between
        with pytest.raises(grpc.RpcError):
            undo(daemon, root, uid)
        assert (recorded(root), contents(root), in_trash(root)) == between
        assert undo(daemon, root, uid).job.uid == uid
        assert (recorded(root), contents(root), in_trash(root)) == (*before, {})
