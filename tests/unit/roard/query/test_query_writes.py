"""What is looked up instead of everything: the few writes that matter, and the files of a session."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from query_lab import Lab
from sqlalchemy import select

from roard.db import session_files
from roard.db.tables import ArtifactRow, InputRow, JobRow, OutputRow, SessionFileRow, SessionRow, StepRow
from roard.hashing.pool import HashPool
from roard.projects import Projects
from roard.query import graph
from roard.query.session_graph import load_graph

PATHS = st.sampled_from(["a", "b"])
USES = st.dictionaries(PATHS, st.sampled_from(["1", "2", None]), max_size=2)
JOBS = st.lists(st.tuples(st.integers(1, 4), USES, USES), min_size=1, max_size=12)


def all_writes(lab: Lab, session_id: int) -> dict[bytes, list[graph.Write]]:
    """Returns every write of a session, looked up in the simplest way."""
    writes: dict[bytes, list[graph.Write]] = {}
    with lab.project.store.read() as session:
        digests = {row.id: row.hash for row in session.scalars(select(ArtifactRow))}
        read = {(row.job_id, row.path): row for row in session.scalars(select(InputRow))}
        of_session = select(OutputRow, JobRow.step_id).join(JobRow, JobRow.id == OutputRow.job_id)
        of_session = of_session.join(StepRow).where(StepRow.session_id == session_id)
        for row, step in session.execute(of_session):
            over = read.get((row.job_id, row.path))
            was = None if over is None else digests.get(over.artifact_id or 0, b"")
            write = graph.Write(row.path, digests.get(row.artifact_id or 0, b""), row.job_id, step, was)
            writes.setdefault(row.path, []).append(write)
    return writes


@settings(max_examples=60, deadline=None)
@given(JOBS, JOBS)
def test_the_writes_that_are_loaded_decide_as_all_would(
    first: list[tuple[int, dict[str, str | None], dict[str, str | None]]],
    second: list[tuple[int, dict[str, str | None], dict[str, str | None]]],
) -> None:
    pool = HashPool()
    projects = Projects(pool)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        projects.init(bytes(root))
        lab = Lab(projects.open(bytes(root)))
        for number, reads, writes in first:
            lab.job(f"@{number}", reads, writes, on_disk=False)
        lab.reset()
        for number, reads, writes in second:
            lab.job(f"@{number}", reads, writes, on_disk=False)
        with lab.project.store.read() as session:
            session_id = session.scalars(select(SessionRow.id).where(SessionRow.active)).one()
            loaded = load_graph(session, session_id)
        complete = all_writes(lab, session_id)
        here = {path: graph.DiskFile(exists=True, digest=write[-1].digest) for path, write in complete.items()}
        assert loaded.parents == graph.parents(loaded.steps, complete)
        for disk in ({}, here):
            expected = graph.stale_reasons(loaded.steps, loaded.parents, complete, disk)
            assert graph.stale_reasons(loaded.steps, loaded.parents, loaded.writes, disk) == expected
        check_session_files(lab, session_id)
        projects.close()
    pool.close()


def check_session_files(lab: Lab, session_id: int) -> None:
    """What each recording has added must be what looking at all of them finds."""
    columns = select(*SessionFileRow.__table__.columns).order_by(SessionFileRow.session_id, SessionFileRow.path)
    with lab.project.store.read() as session:
        kept = session.execute(columns).all()
    with lab.project.store.write() as session:
        session_files.forget_all(session, session_id)
        session_files.note_all(session, session_id)
    with lab.project.store.read() as session:
        assert session.execute(columns).all() == kept


def test_a_removed_job_is_forgotten_when_the_files_are_noted_anew(lab: Lab) -> None:
    lab.job("@1", {}, {"a": "1"})
    lab.job("@2", {"a": "1"}, {"a": "2", "b": "1"})
    with lab.project.store.write() as session:
        newest = session.scalars(select(JobRow).order_by(JobRow.id.desc())).first()
        assert newest is not None
        session_id = session.scalars(select(SessionRow.id).where(SessionRow.active)).one()
        session_files.forget_all(session, session_id)
        for table in ("inputs", "outputs", "dropped", "processes", "warnings"):
            session.connection().exec_driver_sql(f"DELETE FROM {table} WHERE job_id = ?", (newest.id,))
        session.delete(newest)
        session.flush()
        session_files.note_all(session, session_id)
    with lab.project.store.read() as session:
        (file,) = session.scalars(select(SessionFileRow)).all()
        assert (file.path, file.job_id) == (b"a", 1)
