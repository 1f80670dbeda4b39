"""The lineage schema: mapped tables, the only place where it is written down. migrations/roard must agree (CI checks).

Paths are bytes: relative to the project root inside it, absolute outside. Hashes are raw digests, BLAKE3 where no
algorithm is named. Times are
nanoseconds since the Unix epoch. `sequence` columns order by recording, never by clock.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Base of the lineage tables."""


class SessionRow(Base):
    """A session: the ordered steps since `init` or `reset`."""

    __tablename__ = "sessions"
    __table_args__ = (Index("ix_session_active", "active", unique=True, sqlite_where=text("active")),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    created_at_ns: Mapped[int] = mapped_column(BigInteger)
    active: Mapped[bool] = mapped_column(Boolean)
    hash: Mapped[bytes] = mapped_column(LargeBinary, index=True)
    """Content hash, rewritten by every transaction that records into the session."""


class StepRow(Base):
    """A place of a command in a session; its jobs are the executions."""

    __tablename__ = "steps"
    __table_args__ = (
        Index("ix_step_number", "session_id", "kind", "number", unique=True),
        Index("ix_step_shape", "session_id", "kind", "shape"),
        CheckConstraint("kind IN ('run', 'build')", name="step_kind"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id"))
    kind: Mapped[str] = mapped_column(Text)
    number: Mapped[int] = mapped_column(Integer)
    shape: Mapped[str] = mapped_column(Text)
    """Program, script and subcommand of the command, without its parameters; `name:NAME` for a named step."""
    name: Mapped[str] = mapped_column(Text)
    named: Mapped[bool] = mapped_column(Boolean)
    """True: given by -n, and found by it again."""


class JobRow(Base):
    """One recorded execution. `id` is the order of recording."""

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_job_step", "step_id", "id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    uid: Mapped[str] = mapped_column(Text, unique=True)
    run_id: Mapped[str] = mapped_column(Text, unique=True)
    payload_hash: Mapped[bytes] = mapped_column(LargeBinary)
    """BLAKE3 of the folded trace it was recorded from: a retry must bring the same bytes."""
    content_hash: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    """BLAKE3 of what the session's hash covers of this job: command and files, nothing of machine, folder or time."""
    step_id: Mapped[int] = mapped_column(ForeignKey("steps.id"))
    argv: Mapped[bytes] = mapped_column(LargeBinary)
    """Words joined by NUL."""
    command: Mapped[str] = mapped_column(Text)
    """argv quoted for a shell, undecodable bytes as U+FFFD: for search and display only."""
    cwd: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[str] = mapped_column(Text)
    exit_code: Mapped[int | None] = mapped_column(Integer)
    exit_signal: Mapped[int | None] = mapped_column(Integer)
    started_at_ns: Mapped[int] = mapped_column(BigInteger)
    duration_ns: Mapped[int] = mapped_column(BigInteger)
    tracer: Mapped[str] = mapped_column(Text)
    hostname: Mapped[str] = mapped_column(Text)
    user: Mapped[str] = mapped_column(Text)
    roar_version: Mapped[str] = mapped_column(Text)
    git_commit: Mapped[str | None] = mapped_column(Text)
    """NULL: not in a git repository; empty: before the first commit."""
    git_branch: Mapped[str | None] = mapped_column(Text)
    git_remote: Mapped[str | None] = mapped_column(Text)
    git_dirty: Mapped[bool | None] = mapped_column(Boolean)
    git_changed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Paths that `git status` listed, joined by NUL."""
    git_read_late: Mapped[bool] = mapped_column(Boolean, default=False)
    events_lost: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Events that a backend saw and could not hand over."""
    input_count: Mapped[int] = mapped_column(Integer, server_default="0")
    """Of role data; this and the next four are counted once, when the job is recorded."""
    output_count: Mapped[int] = mapped_column(Integer, server_default="0")
    output_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    code_count: Mapped[int] = mapped_column(Integer, server_default="0")
    """Paths of role code that it read or wrote."""
    dropped_count: Mapped[int] = mapped_column(Integer, server_default="0")
    cached_from: Mapped[str] = mapped_column(Text, server_default="")
    """Id of the job, perhaps gone, whose outputs were restored instead of running the command; empty: it was run."""
    machine_id: Mapped[int | None] = mapped_column(ForeignKey("machines.id"))
    """NULL: recorded by a version that did not look."""


class MachineRow(Base):
    """A machine that jobs ran on."""

    __tablename__ = "machines"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    document: Mapped[str] = mapped_column(Text, unique=True)
    """A Machine as JSON, keys sorted."""


class ArtifactRow(Base):
    """File content, known by its hash."""

    __tablename__ = "artifacts"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    first_seen_ns: Mapped[int] = mapped_column(BigInteger)


class ArtifactDigestRow(Base):
    """What another algorithm calls a content."""

    __tablename__ = "artifact_digests"
    __table_args__ = (Index("ix_artifact_digest", "digest"), {"sqlite_with_rowid": False})

    artifact_id: Mapped[int] = mapped_column(ForeignKey("artifacts.id", ondelete="CASCADE"), primary_key=True)
    algorithm: Mapped[str] = mapped_column(Text, primary_key=True)
    """"sha256", "sha512" or "md5"."""
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class InputRow(Base):
    """A file that a job read."""

    __tablename__ = "inputs"
    __table_args__ = (
        Index("ix_input_artifact", "artifact_id"),
        Index("ix_input_path", "path"),
        {"sqlite_with_rowid": False},
    )

    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    path: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    artifact_id: Mapped[int | None] = mapped_column(ForeignKey("artifacts.id"))
    size: Mapped[int] = mapped_column(BigInteger)
    role: Mapped[str] = mapped_column(Text)
    executed: Mapped[bool] = mapped_column(Boolean)
    hash_note: Mapped[str] = mapped_column(Text)
    """Why artifact_id is NULL; empty when it is not."""
    removed: Mapped[bool] = mapped_column(Boolean, server_default=text("0"))
    """By the job itself: nobody is to miss it."""


class OutputRow(Base):
    """A file that a job wrote."""

    __tablename__ = "outputs"
    __table_args__ = (
        Index("ix_output_artifact", "artifact_id"),
        Index("ix_output_path", "path"),
        Index("ix_output_in_place", "path", sqlite_where=text("in_place")),
        {"sqlite_with_rowid": False},
    )

    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    path: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    artifact_id: Mapped[int | None] = mapped_column(ForeignKey("artifacts.id"))
    size: Mapped[int] = mapped_column(BigInteger)
    role: Mapped[str] = mapped_column(Text)
    created: Mapped[bool] = mapped_column(Boolean)
    hash_note: Mapped[str] = mapped_column(Text)
    in_place: Mapped[bool] = mapped_column(Boolean, server_default=text("0"))
    """The job read the file too: it made a new version of it."""


class SessionFileRow(Base):
    """A data file of a session, as the newest job that used it left or found it: what `status` compares with the disk.

    Follows from inputs and outputs (db/session_files.py), and saves looking at all of them.
    """

    __tablename__ = "session_files"
    __table_args__ = ({"sqlite_with_rowid": False},)

    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id"), primary_key=True)
    path: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"))
    artifact_id: Mapped[int | None] = mapped_column(ForeignKey("artifacts.id"))
    size: Mapped[int] = mapped_column(BigInteger)
    step_id: Mapped[int | None] = mapped_column(ForeignKey("steps.id"))
    """The step that wrote it last; NULL: none of the session did."""


class DroppedRow(Base):
    """A file that a job used and a filter left out."""

    __tablename__ = "dropped"
    __table_args__ = ({"sqlite_with_rowid": False},)

    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    written: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    path: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    rule: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[bytes] = mapped_column(LargeBinary, server_default=text("x''"))
    """Line of `.roarignore`, with its number, as it was then; empty: a rule of roar's own."""


class ProcessRow(Base):
    """A process of a job, in order of start."""

    __tablename__ = "processes"
    __table_args__ = ({"sqlite_with_rowid": False},)

    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(Integer, primary_key=True)
    pid: Mapped[int] = mapped_column(Integer)
    parent_pid: Mapped[int] = mapped_column(Integer)
    exe: Mapped[bytes] = mapped_column(LargeBinary)
    argv: Mapped[bytes] = mapped_column(LargeBinary)
    started_ns: Mapped[int] = mapped_column(BigInteger)
    ended_ns: Mapped[int | None] = mapped_column(BigInteger)
    exit_code: Mapped[int | None] = mapped_column(Integer)
    exit_signal: Mapped[int | None] = mapped_column(Integer)
    tracer: Mapped[str] = mapped_column(Text, server_default="")
    """Backend that saw it; empty in jobs of before there were several: that of the job."""


class WarningRow(Base):
    """Something that a job's record does not know."""

    __tablename__ = "warnings"
    __table_args__ = ({"sqlite_with_rowid": False},)

    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(Integer, primary_key=True)
    code: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)


class PoppedRow(Base):
    """A job that `roar pop` took out: all that brings it back. The newest one is brought back first."""

    __tablename__ = "popped"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    uid: Mapped[str] = mapped_column(Text, unique=True)
    run_id: Mapped[str] = mapped_column(Text, unique=True)
    job_id: Mapped[int] = mapped_column(Integer, unique=True)
    """Stays the job's: none that is recorded meanwhile takes it, or the order of recording would change."""
    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id"))
    kind: Mapped[str] = mapped_column(Text)
    number: Mapped[int] = mapped_column(Integer)
    """Of its step."""
    command: Mapped[str] = mapped_column(Text)
    popped_at_ns: Mapped[int] = mapped_column(BigInteger)
    directory: Mapped[str] = mapped_column(Text, unique=True)
    """Name below `.roar/trash/`."""
    rows: Mapped[bytes] = mapped_column(LargeBinary)
    """The rows of the job in all tables (popped.py)."""


class PoppedFileRow(Base):
    """A file that goes, or has gone, into the trash with its job; where it is now, the disk tells."""

    __tablename__ = "popped_files"
    __table_args__ = ({"sqlite_with_rowid": False},)

    popped_id: Mapped[int] = mapped_column(ForeignKey("popped.id"), primary_key=True)
    path: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    dev: Mapped[int] = mapped_column(BigInteger)
    ino: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)
    mtime_ns: Mapped[int] = mapped_column(BigInteger)
    ctime_ns: Mapped[int] = mapped_column(BigInteger)
    """With the four before: of the content that the job wrote."""


class PoppedArtifactRow(Base):
    """A content of a popped job: nobody may clear it away while the job can come back."""

    __tablename__ = "popped_artifacts"
    __table_args__ = (Index("ix_popped_artifact", "artifact_id"), {"sqlite_with_rowid": False})

    popped_id: Mapped[int] = mapped_column(ForeignKey("popped.id"), primary_key=True)
    artifact_id: Mapped[int] = mapped_column(ForeignKey("artifacts.id"), primary_key=True)


class SessionLabelRow(Base):
    """A version of the labels of a session."""

    __tablename__ = "session_labels"
    __table_args__ = ({"sqlite_with_rowid": False},)

    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    document: Mapped[str] = mapped_column(Text)
    """JSON object, keys sorted."""
    created_at_ns: Mapped[int] = mapped_column(BigInteger)


class JobLabelRow(Base):
    """A version of the labels of a job."""

    __tablename__ = "job_labels"
    __table_args__ = ({"sqlite_with_rowid": False},)

    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    document: Mapped[str] = mapped_column(Text)
    """JSON object, keys sorted."""
    created_at_ns: Mapped[int] = mapped_column(BigInteger)


class ArtifactLabelRow(Base):
    """A version of the labels of a content."""

    __tablename__ = "artifact_labels"
    __table_args__ = ({"sqlite_with_rowid": False},)

    artifact_id: Mapped[int] = mapped_column(ForeignKey("artifacts.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    document: Mapped[str] = mapped_column(Text)
    """JSON object, keys sorted."""
    created_at_ns: Mapped[int] = mapped_column(BigInteger)


class CacheEntryRow(Base):
    """A job whose outputs were to be kept, for a run of the same command to be spared."""

    __tablename__ = "cache_entries"
    __table_args__ = (Index("ix_cache_entry_command", "command", "job_id"),)

    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    command: Mapped[bytes] = mapped_column(LargeBinary)
    """Hash of kind, words and directory (run_cache/keep.py)."""
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    """What must be the same beside the inputs: a CacheFingerprint, packed by zlib."""
    refused: Mapped[str] = mapped_column(Text)
    """Why it can never stand for another run; empty: it can."""
