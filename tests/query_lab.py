"""A project whose jobs are written straight into its database: what queries see, without tracing anything."""

from __future__ import annotations

import itertools
import shlex
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3
from roar_proto.v1 import lineage_pb2, types_pb2
from sqlalchemy import Engine, event, insert, select

from roard.db import artifacts, jobs, session_files, sessions
from roard.db.tables import SessionRow, StepRow
from roard.model import Content, DroppedFile, JobFacts, UsedFile
from roard.project import Project

START_NS = 1_700_000_000_000_000_000
SECOND_NS = 1_000_000_000
COMMIT = "c" * 40


def digest(content: bytes) -> bytes:
    """Returns what a file with this content is known by."""
    return blake3(content).digest()


@contextmanager
def counted() -> Iterator[list[str]]:
    """Yields the list of the statements executed meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def content_of(value: str | None) -> Content:
    """Returns a content; None: recorded without a hash."""
    if value is None:
        return Content(b"", 7, "changed-by-job")
    return Content(digest(value.encode()), len(value.encode()), "")


@dataclass
class Lab:
    """Records jobs as a test describes them, and files on disk."""

    project: Project
    clock: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def root(self) -> Path:
        return Path(self.project.root.decode())

    def put(self, path: str, content: str) -> None:
        """Writes a file of the project to disk."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)

    def job(
        self,
        step: str,
        reads: Mapping[str, str | None] | None = None,
        writes: Mapping[str, str | None] | None = None,
        *,
        code: Mapping[str, str] | None = None,
        argv: str = "",
        status: str = "ok",
        duration_s: int = 1,
        dropped: Mapping[str, str] | None = None,
        on_disk: bool = True,
        created: bool = False,
        removes: Collection[str] = (),
        commit: str = COMMIT,
        changed: Sequence[str] = (),
        programs: Sequence[str] = ("/usr/bin/python3",),
    ) -> str:
        """Records a job of a step ("@2", "@B1") and returns its uid; on_disk: its files are there afterwards.

        created: what it wrote was not there before. removes: what of its reads it removed.
        """
        if on_disk:
            for path, content in {**(code or {}), **(reads or {}), **(writes or {})}.items():
                if content is not None:
                    self.put(path, content)
        used = [_used(path, "data", value) for path, value in (reads or {}).items()]
        used += [_used(path, "code", value) for path, value in (code or {}).items()]
        used = [file._replace(removed=file.path.decode() in removes) for file in used]
        for path in removes if on_disk else ():
            (self.root / path).unlink()
        written = [_used(path, "data", value)._replace(mark=created) for path, value in (writes or {}).items()]
        words = [word.encode() for word in shlex.split(argv or f"python step{step[1:]}.py")]
        facts = JobFacts(
            run_id=str(uuid.uuid4()),
            payload_hash=b"p",
            content_hash=digest(repr([used, written]).encode()),
            kind="build" if step.startswith("@B") else "run",
            argv=words,
            command=shlex.join(word.decode() for word in words),
            cwd=b"",
            status=status,
            exit_code={"ok": 0, "failed": 1}.get(status),
            exit_signal=2 if status == "interrupted" else None,
            started_at_ns=START_NS + next(self.clock) * SECOND_NS,
            duration_ns=duration_s * SECOND_NS,
            tracer="ptrace",
            events_lost=0,
            hostname="box",
            user="ada",
            roar_version="0.1.0",
            git=types_pb2.GitState(
                commit=commit, branch="main", dirty=bool(changed), changed_paths=[path.encode() for path in changed]
            )
            if commit
            else None,
            inputs=used,
            outputs=written,
            dropped=[DroppedFile(path.encode(), rule, written=False) for path, rule in (dropped or {}).items()],
            processes=[
                types_pb2.Process(pid=7, exe=exe.encode(), argv=words, ended_ns=5, exit_code=0) for exe in programs
            ],
            warnings=[types_pb2.Warning(code="io-uring", message="some of it was not seen")],
        )
        with self.project.store.write() as session:
            artifacts.add_artifacts(session, [file.content for file in [*used, *written]], facts.started_at_ns)
            session_id = sessions.active_session(session, facts.started_at_ns)
            known = select(StepRow.id).where(StepRow.session_id == session_id, StepRow.kind == facts.kind)
            number = int(step.lstrip("@B"))
            step_id = session.scalar(known.where(StepRow.number == number))
            if step_id is None:
                row = {"session_id": session_id, "kind": facts.kind, "number": number, "shape": step, "named": False}
                step_id = session.execute(
                    insert(StepRow).values(**row, name=f"step{step[1:]}.py").returning(StepRow.id)
                ).scalar_one()
            job = jobs.insert_job(session, step_id, facts)
            session_files.note_job(session, job.id)
            sessions.update_hash(session, session_id)
        return job.uid

    def reset(self) -> None:
        """Opens a new session."""
        with self.project.store.write() as session:
            sessions.reset(session, START_NS)

    def session_hashes(self) -> list[str]:
        """Returns the hashes of all sessions, oldest first."""
        with self.project.store.read() as session:
            return [found.hex() for found in session.scalars(select(SessionRow.hash).order_by(SessionRow.id))]

    def resolve_request(
        self, ref: str, kind: lineage_pb2.RefKind.ValueType = lineage_pb2.REF_KIND_UNSPECIFIED, cwd: str = ""
    ) -> lineage_pb2.ResolveRequest:
        """Returns the request of somebody in a directory of the project."""
        here = str(self.root / cwd).encode()
        return lineage_pb2.ResolveRequest(project_root=self.project.root, ref=ref.encode(), cwd=here, kind=kind)

    def lineage_request(self, ref: str, depth: int = 0) -> lineage_pb2.GetLineageRequest:
        """Returns the request of somebody in the top directory of the project."""
        root = self.project.root
        return lineage_pb2.GetLineageRequest(project_root=root, ref=ref.encode(), cwd=root, depth=depth)


def _used(path: str, role: str, value: str | None) -> UsedFile:
    return UsedFile(path.encode(), role, mark=False, content=content_of(value))
