"""Every error that a client can meet: one class a reason, with its gRPC status and the exit status it asks for.

`python -m roard.errors` prints the table of docs/errors.md.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import ClassVar


class RoarError(Exception):
    """Base of all reasons. The docstring of a subclass is its line in docs/errors.md."""

    reason: ClassVar[str]
    status: ClassVar[str]
    """Name of the gRPC status code."""
    exit_code: ClassVar[int] = 1

    def __init__(self, fact: str, *, cause: str = "", hint: str = "") -> None:
        super().__init__(fact)
        self.fact = fact
        self.cause = cause
        self.hint = hint


def shown(path: bytes) -> str:
    """Returns a path for a message: undecodable bytes as U+FFFD, control characters escaped."""
    text = path.decode("utf-8", "replace")
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


class NoProject(RoarError):
    """The directory is not a roar project."""

    reason = "no-project"
    status = "NOT_FOUND"

    def __init__(self, root: bytes) -> None:
        super().__init__(f"no roar project in `{shown(root)}`", hint="run `roar init` in the project's top directory")


class ProjectNotWritable(RoarError):
    """A file of `.roar/` cannot be opened or written."""

    reason = "project-not-writable"
    status = "PERMISSION_DENIED"

    def __init__(self, path: bytes, cause: str) -> None:
        hint = "check owner and permissions of `.roar/` and everything in it, and that its file system is not read-only"
        super().__init__(f"cannot write `{shown(path)}`", cause=cause, hint=hint)


class ConfigError(RoarError):
    """`.roar/config.toml` cannot be read, or holds an unknown key or a value that is not allowed."""

    reason = "bad-config"
    status = "FAILED_PRECONDITION"

    def __init__(self, path: bytes, line: int | None, problem: str, hint: str = "") -> None:
        place = f"{shown(path)}:{line}" if line is not None else shown(path)
        super().__init__(f"`{place}`: {problem}", hint=hint or "correct it, or remove the line to get the default")


class UnknownKey(RoarError):
    """The configuration has no key of this name."""

    reason = "unknown-key"
    status = "INVALID_ARGUMENT"
    exit_code = 2

    def __init__(self, name: str, alike: str) -> None:
        super().__init__(f"there is no setting `{name}`", hint=f"{alike}`roar config list` shows all of them")


class BadValue(RoarError):
    """A key of the configuration cannot have this value."""

    reason = "bad-value"
    status = "INVALID_ARGUMENT"
    exit_code = 2

    def __init__(self, name: str, value: str, allowed: str) -> None:
        super().__init__(f"`{name}` cannot be `{value}`", hint=f"allowed: {allowed}")


class BadVariable(RoarError):
    """A name or value that no variable of the environment can have, or that would disturb roar itself."""

    reason = "bad-variable"
    status = "INVALID_ARGUMENT"
    exit_code = 2


class NoVariable(RoarError):
    """The project gives its runs no variable of this name."""

    reason = "no-such-variable"
    status = "NOT_FOUND"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        alike = " or ".join(f"`{close}`" for close in get_close_matches(name, known, n=2))
        question = f"did you mean {alike}? " if alike else ""
        super().__init__(
            f"the project has no variable `{name}`", hint=f"{question}`roar env list` shows those that it has"
        )


class BadIgnoreRule(RoarError):
    """A line of `.roarignore`, or what is to become one, is no pattern of gitignore(5)."""

    reason = "bad-ignore-rule"
    status = "INVALID_ARGUMENT"
    exit_code = 2


class ProjectInUse(RoarError):
    """Another daemon has the project open; finished runs stay on disk, and that daemon records them."""

    reason = "project-in-use"
    status = "FAILED_PRECONDITION"

    def __init__(self, root: bytes, who: str) -> None:
        super().__init__(
            f"another roard has the project `{shown(root)}` open",
            cause=f"its lock `.roar/lock` is held by {who}",
            hint="run `roar daemon stop` where that one runs, or try again: it closes what nobody asks about for long; "
            "runs that are not recorded yet stay in `.roar/runs/`, and it records them",
        )


class DatabaseTooNew(RoarError):
    """The project's database was written by a newer roar; other projects are served."""

    reason = "database-too-new"
    status = "FAILED_PRECONDITION"

    def __init__(self, path: bytes, revision: str) -> None:
        super().__init__(
            f"the database `{shown(path)}` was written by a newer roar",
            cause=f"its schema is `{revision}`, which this roard does not know",
            hint="upgrade roar in this environment, then run `roar daemon restart`; "
            "`roar db restore` goes back to the newest backup that this roard can use",
        )


class DatabaseBroken(RoarError):
    """SQLite finds the project's database damaged; other projects are served."""

    reason = "database-broken"
    status = "FAILED_PRECONDITION"

    def __init__(self, path: bytes, cause: str) -> None:
        super().__init__(
            f"the database `{shown(path)}` is damaged",
            cause=cause,
            hint="`roar db check` says more; `roar db restore` goes back to the newest backup and keeps what is there; "
            "runs that are not recorded yet stay in `.roar/runs/`",
        )


class DatabaseBusy(RoarError):
    """Another program holds a lock on the project's database."""

    reason = "database-busy"
    status = "UNAVAILABLE"

    def __init__(self, path: bytes) -> None:
        super().__init__(
            f"the database `{shown(path)}` is locked by another program",
            hint="close what has it open (an `sqlite3` shell, a backup) and try again",
        )


class DiskFailure(RoarError):
    """The disk refuses to read or write the project's database; finished runs stay and are recorded later."""

    reason = "disk-failure"
    status = "UNAVAILABLE"

    def __init__(self, path: bytes) -> None:
        super().__init__(
            f"the disk does not read or write `{shown(path)}`",
            cause="SQLite met an input or output error: a failing disk, a lost network mount, or a limit on file sizes",
            hint="see the system's log (`dmesg`); runs that are not recorded yet stay in `.roar/runs/` "
            "and are recorded when it works again",
        )


class NoSpace(RoarError):
    """No space is left for the project's database; finished runs stay on disk and are recorded later."""

    reason = "no-space"
    status = "RESOURCE_EXHAUSTED"

    def __init__(self, path: bytes) -> None:
        super().__init__(
            f"no space left for `{shown(path)}`",
            hint="free some space; runs that are not recorded yet stay in `.roar/runs/` and are recorded then",
        )


class BackupExists(RoarError):
    """`roar db backup` was told to write where a file is already."""

    reason = "backup-exists"
    status = "ALREADY_EXISTS"

    def __init__(self, path: bytes) -> None:
        super().__init__(f"`{shown(path)}` is there already", hint="choose another name, or replace it with --force")


class BackupNotWritten(RoarError):
    """`roar db backup` cannot write where it was told to."""

    reason = "backup-not-written"
    status = "FAILED_PRECONDITION"

    def __init__(self, path: bytes, cause: str) -> None:
        hint = "its directory must exist, be yours to write and have room for the database"
        super().__init__(f"cannot write the backup `{shown(path)}`", cause=cause, hint=hint)


class BackupUnusable(RoarError):
    """The file given to `roar db restore` is missing, damaged, of a newer roar, or no database of roar."""

    reason = "backup-unusable"
    status = "FAILED_PRECONDITION"

    def __init__(self, path: bytes, cause: str) -> None:
        hint = "`roar db info` lists the backups; nothing was changed"
        super().__init__(f"`{shown(path)}` cannot be restored", cause=cause, hint=hint)


class NoBackup(RoarError):
    """The project has no backup that this roard can use."""

    reason = "no-backup"
    status = "NOT_FOUND"

    def __init__(self, directory: bytes) -> None:
        super().__init__(
            f"no usable backup in `{shown(directory)}`",
            hint="name a copy of your own: `roar db restore FILE`; "
            "without one, `sqlite3 .roar/roar.db .recover` saves what is left of a damaged database",
        )


class BadRequest(RoarError):
    """A request of the client has a field that the contract does not allow."""

    reason = "bad-request"
    status = "INVALID_ARGUMENT"

    def __init__(self, problem: str) -> None:
        super().__init__(problem, hint="client and daemon may be of different versions: run `roar daemon restart`")


class UnknownTracer(RoarError):
    """The tracer asked for does not exist."""

    reason = "unknown-tracer"
    status = "INVALID_ARGUMENT"
    exit_code = 2

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"there is no tracer `{name}`", hint=f"choose one of: {', '.join(known)}")


class UnknownAlgorithm(RoarError):
    """The hash algorithm asked for does not exist."""

    reason = "unknown-algorithm"
    status = "INVALID_ARGUMENT"
    exit_code = 2

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"there is no hash algorithm `{name}`", hint=f"choose one of: {', '.join(known)}")


class TracerUnavailable(RoarError):
    """The tracer asked for does not work on this machine, and no other may take its place."""

    reason = "tracer-unavailable"
    status = "FAILED_PRECONDITION"
    exit_code = 125

    def __init__(self, name: str, cause: str, hint: str) -> None:
        instead = "leave out `--no-tracer-fallback`, or set `tracer.fallback = true`, for the next best one"
        fact = f"{name} does not work on this machine"
        super().__init__(fact, cause=cause, hint=f"{hint}; or {instead}" if hint else instead)


class RunNotFound(RoarError):
    """Neither a run directory nor a recorded job has this run id."""

    reason = "no-such-run"
    status = "NOT_FOUND"

    def __init__(self, run_id: str) -> None:
        super().__init__(f"no run `{run_id}`", cause="neither a run directory nor a recorded job has this id")


class NothingRuns(RoarError):
    """No run is in flight, or none of a `roar` with this process id."""

    reason = "nothing-runs"
    status = "NOT_FOUND"

    def __init__(self, launcher_pid: int = 0) -> None:
        fact = f"no run of a `roar` with the pid {launcher_pid}" if launcher_pid else "nothing runs in this project"
        super().__init__(fact, hint="`roar ps --all` lists what runs, `roar log` what has ended")


class RunNotSealed(RoarError):
    """The run has not ended: its run directory holds no folded trace yet."""

    reason = "run-not-sealed"
    status = "FAILED_PRECONDITION"

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run `{run_id}` has not ended", cause="its run directory holds no folded trace")


class RunConflict(RoarError):
    """A run id is recorded already, from other content."""

    reason = "run-conflict"
    status = "ALREADY_EXISTS"

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run `{run_id}` is recorded already, from a different trace")


class TraceCorrupt(RoarError):
    """A file of a run directory is damaged; the directory is kept as `.roar/runs/corrupt-RUN_ID`."""

    reason = "trace-corrupt"
    status = "DATA_LOSS"

    def __init__(self, path: bytes, problem: str) -> None:
        super().__init__(f"`{shown(path)}` is damaged: {problem}", hint="keep the directory for a bug report")


class JobNotFound(RoarError):
    """The reference names no recorded job."""

    reason = "no-such-job"
    status = "NOT_FOUND"

    def __init__(self, ref: str) -> None:
        fact = f"no job `{ref}`" if ref else "no job is recorded yet"
        super().__init__(fact, hint="`roar log --all` lists the jobs" if ref else "record one with `roar run COMMAND`")


class StepNotFound(RoarError):
    """The active session has no such step."""

    reason = "no-such-step"
    status = "NOT_FOUND"

    def __init__(self, ref: str, known: str) -> None:
        own = "`roar status` lists them" if known else "record one with `roar run COMMAND`"
        super().__init__(
            f"no step `{ref}` in the active session",
            cause=f"its steps are {known}" if known else "it has no steps yet",
            hint=f"{own}; `roar session list` lists other sessions, and `roar session use` opens one",
        )


class NoBuildStep(RoarError):
    """`roar build` was told to run a step again that is no build step."""

    reason = "no-build-step"
    status = "INVALID_ARGUMENT"
    exit_code = 2

    def __init__(self, step: str) -> None:
        super().__init__(
            f"`{step}` is no build step", hint=f"`roar run {step}` runs it again; build steps are @B1, @B2, …"
        )


class BadOverride(RoarError):
    """A word given to `roar run @N` has no place in the command of the step."""

    reason = "bad-override"
    status = "INVALID_ARGUMENT"
    exit_code = 2

    def __init__(self, word: str, problem: str) -> None:
        super().__init__(
            f"`{word}` has no place in the command of the step",
            cause=problem,
            hint="`roar run @N --dry-run` shows the command; type it as a whole to change it otherwise",
        )


class NothingToPop(RoarError):
    """The active session has no job."""

    reason = "nothing-to-pop"
    status = "NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("the active session has no job", hint="`roar log --all` lists the jobs of older sessions")


class NotNewest(RoarError):
    """The job that `roar pop` asked about is not the newest any more."""

    reason = "not-newest"
    status = "FAILED_PRECONDITION"

    def __init__(self, uid: str, newest: str) -> None:
        super().__init__(
            f"job `{uid}` is not the newest any more",
            cause=f"`{newest}` is" if newest else "there is none left",
            hint="look again: `roar pop --dry-run`, `roar pop --list`",
        )


class RunsInFlight(RoarError):
    """A run of the project goes on, or waits to be recorded, and may use what would be taken away."""

    reason = "runs-in-flight"
    status = "FAILED_PRECONDITION"

    def __init__(self, commands: list[str]) -> None:
        more = f" and {len(commands) - 1} more" if len(commands) > 1 else ""
        super().__init__(
            "a job of this project is not recorded yet, and may use the files of the newest one that is",
            cause=f"`{commands[0]}`{more}",
            hint="wait for it, or stop it; `roar status` lists what runs",
        )


class NothingToUndo(RoarError):
    """No popped job is left that could be brought back."""

    reason = "nothing-to-undo"
    status = "NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("no popped job is left to be brought back", hint="`roar log` lists what is recorded")


class UndoBlocked(RoarError):
    """Something else is now where a popped job or a file of it was; nothing was changed."""

    reason = "undo-blocked"
    status = "FAILED_PRECONDITION"

    def __init__(self, uid: str, cause: str, hint: str) -> None:
        super().__init__(f"job `{uid}` cannot be brought back: nothing was changed", cause=cause, hint=hint)


class RunPopped(RoarError):
    """A run is recorded already, and its job was popped since."""

    reason = "run-popped"
    status = "NOT_FOUND"

    def __init__(self, run_id: str) -> None:
        super().__init__(f"the job of run `{run_id}` was popped", hint="`roar pop --list` shows it")


class SessionNotFound(RoarError):
    """The reference names no session."""

    reason = "no-such-session"
    status = "NOT_FOUND"

    def __init__(self, ref: str) -> None:
        super().__init__(f"no session `{ref}`", hint="`roar session list` lists them")


class ArtifactNotFound(RoarError):
    """No recorded artifact has this hash or path."""

    reason = "no-such-artifact"
    status = "NOT_FOUND"

    def __init__(self, ref: str, *, cause: str = "", hint: str = "") -> None:
        hint = hint or "only files that a recorded job read or wrote are known; `roar search` finds them by their paths"
        super().__init__(f"no recorded artifact `{ref}`", cause=cause, hint=hint)


class BadReference(RoarError):
    """The reference has none of the forms that roar knows."""

    reason = "bad-reference"
    status = "INVALID_ARGUMENT"
    exit_code = 2

    def __init__(self, ref: str, problem: str, *, hint: str = "") -> None:
        hint = (
            hint or "use @N, @BN, a job id, the hash of a session or content (4 hex digits, 8 for a content), or a path"
        )
        super().__init__(f"`{ref}` is not a reference: {problem}", hint=hint)


class AmbiguousReference(RoarError):
    """The reference fits several things."""

    reason = "ambiguous-reference"
    status = "INVALID_ARGUMENT"
    exit_code = 2

    def __init__(self, ref: str, candidates: tuple[str, ...]) -> None:
        hint = "write more of it, or decide with --job, --session, --artifact or --path"
        super().__init__(f"`{ref}` is ambiguous", cause=f"it fits {', '.join(candidates)}", hint=hint)


class BadLabel(RoarError):
    """A word is no `key=value`, its key is not allowed, or the labels together are too large."""

    reason = "bad-label"
    status = "INVALID_ARGUMENT"
    exit_code = 2

    def __init__(self, word: str, problem: str) -> None:
        hint = "write `key=value` or `group.key=value`; `'key=\"5\"'` is the text 5"
        super().__init__(f"`{word}` is no label: {problem}", hint=hint)


class LabelConflict(RoarError):
    """A label cannot be set: its key is a group of labels, or one of its groups is a label."""

    reason = "label-conflict"
    status = "FAILED_PRECONDITION"

    def __init__(self, key: str, *, is_group: bool) -> None:
        problem = "is a group of labels, and cannot have a value" if is_group else "has a value, and cannot be a group"
        super().__init__(f"`{key}` {problem}", hint="remove it first: `roar label unset ENTITY TARGET KEY`")


class NoSuchLabel(RoarError):
    """The label, or any label of the source, is not there."""

    reason = "no-such-label"
    status = "NOT_FOUND"

    def __init__(self, key: str) -> None:
        fact = f"there is no label `{key}`" if key else "it has no labels"
        super().__init__(fact, hint="`roar label show ENTITY TARGET` lists them; nothing was changed")


class NotComparable(RoarError):
    """`roar diff` was given things of two kinds."""

    reason = "not-comparable"
    status = "INVALID_ARGUMENT"
    exit_code = 2

    def __init__(self, a: tuple[str, str], b: tuple[str, str]) -> None:
        what = {"job": "a job", "session": "a session", "artifact": "a file"}
        super().__init__(
            f"`{a[0]}` is {what[a[1]]} and `{b[0]}` is {what[b[1]]}",
            hint="both must be jobs, files or sessions; --job, --artifact, --session or --path says what both are",
        )


class BadPattern(RoarError):
    """A regular expression cannot be compiled."""

    reason = "bad-pattern"
    status = "INVALID_ARGUMENT"
    exit_code = 2

    def __init__(self, pattern: str, problem: str) -> None:
        super().__init__(f"`{pattern}` is not a regular expression: {problem}")


class BadToken(RoarError):
    """The caller does not know the daemon's token."""

    reason = "bad-token"
    status = "UNAUTHENTICATED"

    def __init__(self) -> None:
        super().__init__(
            "the daemon does not know this client",
            cause="the call carries no token, or not the one in `roard.token` of the runtime directory",
            hint="run `roar daemon restart` when this lasts",
        )


class DaemonStopping(RoarError):
    """The daemon is ending and takes no new work."""

    reason = "daemon-stopping"
    status = "UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__("the daemon is stopping", hint="try again: a new one starts by itself")


class DaemonAlreadyRunning(RoarError):
    """Another roard of this user holds the lock of the runtime directory."""

    reason = "daemon-already-running"
    status = "ALREADY_EXISTS"

    def __init__(self, lock: str) -> None:
        super().__init__(f"another roard holds `{lock}`", hint="`roar daemon status` shows it")


class UnsafeRuntimeDir(RoarError):
    """The runtime directory cannot be used for the socket."""

    reason = "unsafe-runtime-dir"
    status = "FAILED_PRECONDITION"

    def __init__(self, path: str, problem: str) -> None:
        hint = "remove it, or set ROAR_RUNTIME_DIR to a directory of your own with mode 0700"
        super().__init__(f"the runtime directory `{path}` cannot be used: {problem}", hint=hint)


class InternalError(RoarError):
    """The daemon met a condition that it was not written for; its log has the details."""

    reason = "internal"
    status = "INTERNAL"

    def __init__(self, log_id: str, log_path: str) -> None:
        super().__init__(
            "the daemon met an unexpected condition",
            cause=f"see `{log_id}` in `{log_path}`",
            hint="please report it with that part of the log",
        )


def reasons() -> list[type[RoarError]]:
    """Returns all error classes, in the order of this file."""
    return RoarError.__subclasses__()


def render_table() -> str:
    """Returns docs/errors.md."""
    head = (
        "# Errors\n\n"
        "Every error that the daemon reports, by its reason (`error[REASON]: ...`). `run` and `build` end with 125\n"
        "when roar itself could not start the command, whatever the reason. Written by `python -m roard.errors`.\n\n"
        "| reason | when | exit status | gRPC status |\n|---|---|---|---|\n"
    )
    rows = sorted(f"| `{e.reason}` | {e.__doc__} | {e.exit_code} | {e.status} |\n" for e in reasons())
    return head + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(render_table())
