"""What `roar db` says, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from roar_proto.v1 import database_pb2 as pb

from roar_client.errors import shown
from roar_client.output.documents import Document, Value, in_text, in_words, timestamp
from roar_client.output.human import ago, local_time, plural, size
from roar_client.output.text import BLANK, Line, Span, ask, columns, decoded, line, note, say, visible

_INDENT = "  "


def info_lines(response: pb.GetDatabaseInfoResponse) -> list[Line]:
    """Returns what is in a database and around it."""
    state = Span("damaged", "bad") if response.HasField("problem") else Span("open", "good")
    if response.problem.reason != "database-broken" and response.HasField("problem"):
        state = Span("not opened", "warn")
    lines = [line(state, _INDENT, Span(decoded(response.path), "path")), *_facts(response)]
    if response.backups:
        lines += [BLANK, line(Span(f"backups ({len(response.backups)})", "head"))]
        lines += columns(map(_backup_row, response.backups), indent=_INDENT)
    if response.runs_quarantined:
        lines += [BLANK, line(Span(f"damaged runs, put aside ({len(response.runs_quarantined)})", "head"))]
        lines += [line(_INDENT, Span(decoded(path), "path")) for path in response.runs_quarantined]
    return lines + (_problem_lines(response.problem) if response.HasField("problem") else [])


def _facts(response: pb.GetDatabaseInfoResponse) -> list[Line]:
    counts = response.counts
    log = f" · log {size(response.wal_size)}" if response.wal_size else ""
    facts = [
        ("size", f"{size(response.size)}, {size(response.free)} of it free{log}"),
        ("schema", _schema(response)),
        ("jobs", _jobs(counts) if response.HasField("counts") else "cannot be read"),
        ("files", f"{_artifacts(counts)}" if response.HasField("counts") else "cannot be read"),
        ("cache", f"{plural(response.cache_entries, 'hash', 'hashes')}, {size(response.cache_size)}"),
        ("objects", f"{plural(response.objects, 'kept output')}, {size(response.objects_size)}"),
        ("waiting", f"{plural(response.runs_waiting, 'run')} going on or not recorded yet"),
    ]
    if response.HasField("holder"):
        facts.append(("held by", _holder(response.holder)))
    return columns([(Span(name, "dim"), Span(text)) for name, text in facts], indent=_INDENT)


def _jobs(counts: pb.DatabaseCounts) -> str:
    steps, sessions = plural(counts.steps, "step"), plural(counts.sessions, "session")
    return f"{plural(counts.jobs, 'job')} of {steps} in {sessions}"


def _artifacts(counts: pb.DatabaseCounts) -> str:
    uses = f"{plural(counts.inputs, 'input')}, {plural(counts.outputs, 'output')}"
    return f"{plural(counts.artifacts, 'content')} · {uses}"


def _schema(response: pb.GetDatabaseInfoResponse) -> str:
    newest = response.newest_schema
    if not response.schema:
        return f"cannot be read (this roard knows up to {newest})"
    return response.schema if response.schema == newest else f"{response.schema} (this roard knows up to {newest})"


def _holder(holder: pb.ProjectHolder) -> str:
    who = "this daemon" if holder.is_self else f"another daemon on {visible(holder.host)}"
    return f"{who}, pid {holder.pid}, since {local_time(holder.since_ns)} ({ago(holder.since_ns)})"


def _backup_row(backup: pb.DatabaseBackup) -> Sequence[Span]:
    return (
        Span(size(backup.size)),
        Span(ago(backup.made_at_ns), "dim"),
        Span("replaced by a restore" if backup.replaced else "", "dim"),
        Span(decoded(backup.path), "path"),
    )


def _problem_lines(problem: pb.DatabaseProblem) -> list[Line]:
    lines = [BLANK, line(Span(problem.reason, "bad"), f": {visible(problem.fact)}")]
    lines += [line(_INDENT, visible(problem.cause))] if problem.cause else []
    return lines + ([line(Span("hint", "head"), f": {visible(problem.hint)}")] if problem.hint else [])


def is_sound(response: pb.CheckDatabaseResponse) -> bool:
    """Returns whether every check found nothing."""
    return not any(check.problems for check in response.checks)


def check_lines(response: pb.CheckDatabaseResponse) -> list[Line]:
    """Returns every check with what it found, and what to do."""
    rows = [(_verdict(check), Span(check.name), Span(check.about, "dim")) for check in response.checks]
    lines = columns(rows)
    for check in response.checks:
        if check.problems:
            lines += [BLANK, line(Span(check.name, "bad"))]
            lines += [line(_INDENT, visible(problem)) for problem in check.problems]
            lines += [line(_INDENT, Span("and more", "dim"))] if check.more else []
            lines.append(line(Span("hint", "head"), f": {visible(check.hint)}"))
    return lines


def _verdict(check: pb.DatabaseCheck) -> Span:
    return Span("WRONG", "bad") if check.problems else Span("ok", "good")


def show_backup(backup: pb.DatabaseBackup) -> None:
    """Prints where a backup is."""
    say(f"{decoded(backup.path)}  {size(backup.size)}")
    note("hint: `roar db restore` puts a backup in the place of the database")


def clean_lines(response: pb.CleanDatabaseResponse, *, dry_run: bool) -> list[Line]:
    """Returns what was removed, or would be."""
    rows = [
        (response.cache_entries, f"{_hashes(response.cache_entries)} of files that are gone or have changed"),
        (response.artifacts, f"{plural(response.artifacts, 'content')} that no job uses"),
        (len(response.backups), f"{plural(len(response.backups), 'old backup')}, {size(_total(response.backups))}"),
        (len(response.runs_quarantined), f"{plural(len(response.runs_quarantined), 'damaged run')}"),
        (response.trash_emptied, f"the trash, {_trash(response)}"),
    ]
    word = "would be removed" if dry_run else "removed"
    lines = [line(f"{text} {word}") for number, text in rows if number]
    if response.vacuumed:
        lines.append(line(f"the database {'would be' if dry_run else 'was'} written anew without its free space"))
    if not dry_run and response.size_after < response.size_before:
        saved = size(response.size_before - response.size_after)
        lines.append(line(f"{saved} given back, {size(response.size_after)} in use"))
    lines = lines or [line("nothing to remove")]
    if not response.trash_emptied and (response.popped_jobs or response.trash_size):
        lines.append(line(f"in the trash: {_trash(response)}; `roar db gc --trash` empties it"))
    return lines


def _trash(response: pb.CleanDatabaseResponse) -> str:
    return f"{plural(response.popped_jobs, 'popped job')}, {size(response.trash_size)}"


def _hashes(number: int) -> str:
    return plural(number, "hash", "hashes")


def _total(backups: Iterable[pb.DatabaseBackup]) -> int:
    return sum(backup.size for backup in backups)


def confirm_restore(wanted: bytes) -> bool:
    """Asks whether to go back to a backup."""
    which = f"`{shown(wanted)}`" if wanted else "the newest backup"
    return ask(f"put {which} in the place of the database? The database is kept")


def show_restored(response: pb.RestoreDatabaseResponse) -> None:
    """Prints what is in place now, and where the other is."""
    say(f"restored {decoded(response.backup.path)}, made {ago(response.backup.made_at_ns)}: {_jobs(response.counts)}")
    if response.kept:
        note(f"note: the database that was there is kept as {decoded(response.kept)}")


def info_document(response: pb.GetDatabaseInfoResponse) -> Document:
    """Returns what is in a database and around it."""
    problem = response.problem if response.HasField("problem") else None
    return {
        **in_text("path", response.path),
        "problem": _problem(problem) if problem else None,
        "size": response.size,
        "wal_size": response.wal_size,
        "free": response.free,
        "revision": response.schema or None,
        "newest_revision": response.newest_schema,
        "counts": _counts(response.counts) if response.HasField("counts") else None,
        "cache": {"entries": response.cache_entries, "size": response.cache_size},
        "objects": {"number": response.objects, "size": response.objects_size},
        "backups": [backup_document(backup) for backup in response.backups],
        "runs_waiting": response.runs_waiting,
        **in_words("runs_quarantined", response.runs_quarantined),
        "holder": _holder_document(response.holder) if response.HasField("holder") else None,
    }


def _problem(problem: pb.DatabaseProblem) -> Document:
    return {
        "reason": problem.reason,
        "fact": problem.fact,
        "cause": problem.cause or None,
        "hint": problem.hint or None,
    }


def _counts(counts: pb.DatabaseCounts) -> Document:
    return {
        "sessions": counts.sessions,
        "steps": counts.steps,
        "jobs": counts.jobs,
        "artifacts": counts.artifacts,
        "inputs": counts.inputs,
        "outputs": counts.outputs,
    }


def _holder_document(holder: pb.ProjectHolder) -> Document:
    return {"pid": holder.pid, "host": holder.host, "since": timestamp(holder.since_ns), "self": holder.is_self}


def check_document(response: pb.CheckDatabaseResponse) -> Document:
    """Returns every check with what it found."""
    checks: list[Value] = [
        {
            "name": check.name,
            "about": check.about,
            "ok": not check.problems,
            "problems": list[Value](check.problems),
            "more": check.more,
            "hint": check.hint or None,
        }
        for check in response.checks
    ]
    return {**in_text("path", response.path), "ok": is_sound(response), "checks": checks}


def backup_document(backup: pb.DatabaseBackup) -> Document:
    """Returns a copy of the database."""
    return {
        **in_text("path", backup.path),
        "size": backup.size,
        "made_at": timestamp(backup.made_at_ns),
        "replaced": backup.replaced,
    }


def clean_document(response: pb.CleanDatabaseResponse, *, dry_run: bool) -> Document:
    """Returns what was removed, or would be."""
    return {
        "dry_run": dry_run,
        "cache_entries": response.cache_entries,
        "cache_entries_kept": response.cache_entries_kept,
        "artifacts": response.artifacts,
        "backups": [backup_document(backup) for backup in response.backups],
        **in_words("runs_quarantined", response.runs_quarantined),
        "vacuumed": response.vacuumed,
        "size_before": response.size_before,
        "size_after": response.size_after,
        "trash": {
            "popped_jobs": response.popped_jobs,
            "size": response.trash_size,
            "emptied": response.trash_emptied,
        },
    }


def restore_document(response: pb.RestoreDatabaseResponse) -> Document:
    """Returns what is in place now, and where the other is."""
    return {
        "backup": backup_document(response.backup),
        **(in_text("kept", response.kept) if response.kept else {"kept": None}),
        "counts": _counts(response.counts),
    }
