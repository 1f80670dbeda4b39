"""Taking the newest job out, and bringing it back.

Popping commits first and moves files then; undoing moves files first and commits then. So whoever is killed between
the two leaves a job that is popped, with some of its files where they were: undoing brings back the rest, and asking
again for the same job finishes it. No file is ever without a name, no row without a copy.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from roar_proto.v1 import jobs_pb2 as pb
from sqlalchemy import select
from sqlalchemy.orm import Session

from roard import trash
from roard.db import popped, sessions
from roard.db.tables import ArtifactRow, JobRow, OutputRow, PoppedRow, SessionRow
from roard.errors import NothingToPop, NothingToUndo, NotNewest, UndoBlocked, shown
from roard.failpoints import failpoint
from roard.model import StatKey
from roard.ownership import Judged, Output, judge
from roard.project import Project
from roard.projects import Projects
from roard.query.jobs import load_jobs, step_label


@dataclass(frozen=True)
class _Plan:
    """What popping a job means."""

    job: pb.Job
    job_id: int
    judged: Sequence[Judged]


def pop_job(projects: Projects, root: bytes, uid: str, *, dry_run: bool) -> pb.PopJobResponse:
    """Takes the newest job of the active session out, its own files into the trash; dry_run: only says so.

    uid: the job that is meant; one that is popped already has its files moved that were left. Raises what
    Projects.open raises, NothingToPop, NotNewest.
    """
    with _tidied(projects, root) as project:
        if uid and (again := _popped_before(project, uid)):
            return again
        plan = _plan(project, uid)
        failpoint("pop.judged")
        if dry_run:
            return _answer(project, plan, plan.judged, "")
        directory = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{plan.job.uid}"
        plan, files = _commit(project, plan, directory)
        failpoint("pop.committed")
        refused = trash.move_away(project.root, directory, files)
        failpoint("pop.done")
        judged = [_refused(one, refused.get(one.output.path, "")) for one in plan.judged]
        return _answer(project, plan, judged, directory)


@contextmanager
def _tidied(projects: Projects, root: bytes) -> Iterator[Project]:
    """Yields the project with its trash locked, and rid of what a dead daemon left there that is back in its place."""
    with projects.use(root) as project, project.trash_lock:
        with project.store.read() as session:
            known = {row.directory for row in popped.list_popped(session)}
        trash.clear_others(project.root, known)
        yield project


def _plan(project: Project, uid: str) -> _Plan:
    with project.store.read() as session:
        newest = _newest(session, uid)
        (job,) = load_jobs(session, select(JobRow.id).where(JobRow.id == newest.job_id))
        outputs = _outputs(session, newest.job_id)
        users = popped.users_of(session, [output.path for output in outputs], newest.job_id)
    return _Plan(job, newest.job_id, judge(project, outputs, users))


def _newest(session: Session, uid: str) -> popped.Candidate:
    newest = popped.newest_job(session)
    if uid and (newest is None or newest.uid != uid):
        raise NotNewest(uid, newest.uid if newest else "")
    if newest is None:
        raise NothingToPop
    return newest


def _outputs(session: Session, job_id: int) -> list[Output]:
    columns = select(OutputRow.path, OutputRow.size, ArtifactRow.hash, OutputRow.created).outerjoin(ArtifactRow)
    rows = session.execute(columns.where(OutputRow.job_id == job_id, OutputRow.role == "data").order_by(OutputRow.path))
    return [Output(path, size, digest or b"", created) for path, size, digest, created in rows]


def _commit(project: Project, plan: _Plan, directory: str) -> tuple[_Plan, Mapping[bytes, StatKey]]:
    """Takes the job out of the database, and returns the plan, with the files that go by then."""
    with project.store.write() as session:
        _newest(session, plan.job.uid)
        # Another job may have been recorded in a session that is closed, since files were hashed.
        going = [one.output.path for one in plan.judged if one.key]
        users = popped.users_of(session, going, plan.job_id)
        judged = [_shared(one, users.get(one.output.path, "")) for one in plan.judged]
        files = {one.output.path: one.key for one in judged if one.key}
        session_id = popped.take_out(session, plan.job_id, files, directory, time.time_ns())
        sessions.update_hash(session, session_id)
        failpoint("pop.taken-out")
    return _Plan(plan.job, plan.job_id, judged), files


def _shared(judged: Judged, user: str) -> Judged:
    return Judged(judged.output, "shared", user) if judged.key and user else judged


def _refused(judged: Judged, why: str) -> Judged:
    return Judged(judged.output, "not-moved", why) if why else judged


def _popped_before(project: Project, uid: str) -> pb.PopJobResponse | None:
    """Returns the answer to a question that is asked again after a daemon died over it; moves what it left."""
    with project.store.read() as session:
        row = popped.find_popped(session, uid)
        if row is None:
            return None
        files = popped.files_of(session, row.id)
        users = popped.users_of(session, files, row.job_id)
        job = _short_job(row)
    judged = [
        _shared(Judged(Output(path, key.size, b"", created=True), key=key), users.get(path, ""))
        for path, key in files.items()
    ]
    going = {one.output.path: one.key for one in judged if one.key}
    refused = trash.move_away(project.root, row.directory, going)
    judged = [_refused(one, refused.get(one.output.path, "")) for one in judged]
    return _answer(project, _Plan(job, row.job_id, judged), judged, row.directory)


def _answer(project: Project, plan: _Plan, judged: Sequence[Judged], directory: str) -> pb.PopJobResponse:
    with project.store.read() as session:
        now = session.scalars(select(SessionRow.hash).where(SessionRow.active)).one()
    files = [
        pb.PoppedFile(path=one.output.path, size=one.output.size, kept=one.kept, detail=one.detail) for one in judged
    ]
    moved = directory and any(not file.kept for file in files)
    return pb.PopJobResponse(
        job=plan.job, files=files, session_hash=now.hex(), trash=_directory(project, directory) if moved else b""
    )


def undo_pop(projects: Projects, root: bytes, uid: str, *, dry_run: bool) -> pb.UndoPopResponse:
    """Brings the job back that was popped last, with its files; dry_run: only says so.

    uid: the job that is meant; one that is back already is returned. Raises what Projects.open raises, NothingToUndo,
    NotNewest, UndoBlocked; nothing has changed then.
    """
    with _tidied(projects, root) as project:
        with project.store.read() as session:
            last = popped.find_popped(session)
            if uid and (last is None or last.uid != uid):
                return _back_before(session, uid, last.uid if last else "")
            if last is None:
                raise NothingToUndo
            files = popped.files_of(session, last.id)
            _check_step(session, last)
        lost = _check_files(project, last, files)
        failpoint("undo.checked")
        restored = [pb.RestoredFile(path=path, size=key.size, lost=path in lost) for path, key in files.items()]
        if dry_run:
            return pb.UndoPopResponse(job=_short_job(last), files=restored)
        with _moved_back(project, last, files):
            _put_back(project, last.uid)
        failpoint("undo.committed")
        with project.store.read() as session:
            (job,) = load_jobs(session, select(JobRow.id).where(JobRow.uid == last.uid))
        trash.clear(project.root, last.directory)
        failpoint("undo.done")
        return pb.UndoPopResponse(job=job, files=restored, session_hash=job.session_hash)


def _back_before(session: Session, uid: str, last: str) -> pb.UndoPopResponse:
    """Returns the answer to a question that is asked again after a daemon died over it."""
    jobs = load_jobs(session, select(JobRow.id).where(JobRow.uid == uid))
    if not jobs:
        raise NotNewest(uid, last)
    return pb.UndoPopResponse(job=jobs[0], session_hash=jobs[0].session_hash)


def _check_step(session: Session, last: PoppedRow) -> None:
    if taken := popped.step_taken(session, last):
        label = step_label(taken.kind, taken.number)
        hint = f"pop the jobs of {label} first, then undo; the files are kept in `.roar/trash/{last.directory}`"
        raise UndoBlocked(last.uid, f"step {label} is `{taken.name}` now", hint)


def _check_files(project: Project, last: PoppedRow, files: Mapping[bytes, StatKey]) -> list[bytes]:
    try:
        return trash.check_way_back(project.root, last.directory, files)
    except trash.Blocked as error:
        raise _blocked(last, error) from error


@contextmanager
def _moved_back(project: Project, last: PoppedRow, files: Mapping[bytes, StatKey]) -> Iterator[None]:
    try:
        with trash.moved_back(project.root, last.directory, files):
            yield
    except trash.Blocked as error:
        raise _blocked(last, error) from error


def _blocked(last: PoppedRow, error: trash.Blocked) -> UndoBlocked:
    hint = f"move that away and try again; the popped files are in `.roar/trash/{last.directory}`"
    return UndoBlocked(last.uid, str(error), hint)


def _put_back(project: Project, uid: str) -> None:
    """Brings the rows back. What fails here has not committed: the files may be taken back."""
    with project.store.write() as session:
        last = popped.find_popped(session, uid)
        assert last is not None, "whoever takes it away holds the lock of the trash"
        session_id = last.session_id
        _check_step(session, last)
        popped.put_back(session, last)
        sessions.update_hash(session, session_id)
        failpoint("undo.put-back")


def list_popped(project: Project) -> pb.ListPoppedResponse:
    """Returns the jobs that can be brought back, the last popped first. One look at each of their files."""
    with project.store.read() as session:
        rows = popped.list_popped(session)
        return pb.ListPoppedResponse(popped=[_listed(project, session, row) for row in rows])


def _listed(project: Project, session: Session, row: PoppedRow) -> pb.PoppedJob:
    number, size = trash.count_in(project.root, row.directory, popped.files_of(session, row.id))
    return pb.PoppedJob(
        uid=row.uid,
        step=step_label(row.kind, row.number),
        command=shown(row.command.encode()),
        popped_at_ns=row.popped_at_ns,
        files=number,
        size=size,
        trash=_directory(project, row.directory),
        session_hash=session.get_one(SessionRow, row.session_id).hash.hex(),
    )


def _short_job(row: PoppedRow) -> pb.Job:
    """Returns what is known of a popped job without unpacking it."""
    return pb.Job(uid=row.uid, run_id=row.run_id, step=step_label(row.kind, row.number), sequence=row.job_id)


def _directory(project: Project, directory: str) -> bytes:
    return os.path.join(trash.trash_dir(project.root), os.fsencode(directory))
