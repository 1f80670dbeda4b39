"""What two things differ in, for people: both, then every job that differs, then the patches."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from roar_proto.v1 import diff_pb2, jobs_pb2

from roar_client.output.human import SHORT_HASH, ago, command_line, duration, plural, short, size
from roar_client.output.jobs import status_span
from roar_client.output.text import BLANK, Line, Span, columns, decoded, line, visible, wants_unicode

_SIGNS = {
    diff_pb2.CHANGE_KIND_CHANGED: Span("~", "warn"),
    diff_pb2.CHANGE_KIND_ADDED: Span("+", "good"),
    diff_pb2.CHANGE_KIND_REMOVED: Span("-", "bad"),
    diff_pb2.CHANGE_KIND_MOVED: Span("=", "dim"),
    diff_pb2.CHANGE_KIND_UNKNOWN: Span("?", "dim"),
}
_PATCH_STYLES = (
    (b"+++", "head"),
    (b"---", "head"),
    (b"diff ", "head"),
    (b"@@", "step"),
    (b"+", "good"),
    (b"-", "bad"),
)
MOST_SHOWN = 20
"""Values of one file; all that the daemon tells are in `--json`."""


def diff_lines(response: diff_pb2.DiffResponse) -> list[Line]:
    """Returns the whole comparison."""
    lines = [*_side("a", response.a), *_side("b", response.b), BLANK, _verdict(response)]
    if response.HasField("file"):
        lines += _figures(response.file, "  ")
    for job in response.jobs:
        lines += [BLANK, *_job(job)]
    if response.same_jobs and response.jobs:
        lines += [BLANK, line(Span(f"{plural(response.same_jobs, 'more job')} behind both: no difference", "dim"))]
    for commits in response.commits:
        lines += [BLANK, *_commits(commits)]
    for patch in response.patches:
        lines += [BLANK, *_patch(patch)]
    return lines + [line(Span("! ", "warn"), visible(text)) for text in response.notes]


def _side(name: str, side: diff_pb2.DiffSide) -> list[Line]:
    if side.HasField("job"):
        job = side.job
        parts = [Span(f"{name}  job "), Span(job.uid, "id"), Span("  "), Span(job.step, "step")]
        return [(*parts, Span(f" {command_line(job.argv)}  "), Span(ago(job.started_at_ns), "dim"))]
    if side.HasField("session"):
        steps = plural(side.session.run_steps + side.session.build_steps, "step")
        text = f"  {steps}, since {ago(side.session.created_at_ns)}"
        return [line(f"{name}  session ", Span(side.session.hash[:SHORT_HASH], "id"), Span(text))]
    file = side.artifact
    path = decoded(file.path) or "content without a recorded name"
    return [line(f"{name}  file ", Span(short(file.hash), "id"), f"  {size(file.size)}  ", Span(path, "path"))]


def _verdict(response: diff_pb2.DiffResponse) -> Line:
    what = "content" if response.a.HasField("artifact") else "job" if response.a.HasField("job") else "session"
    if not response.identical:
        unknown = response.HasField("file") and response.file.kind == diff_pb2.CHANGE_KIND_UNKNOWN
        if unknown:
            return line(Span("not known whether the contents are the same: one has no hash", "warn"))
        differs = bool(response.jobs) or response.HasField("file")
        return line(Span("different", "warn") if differs else Span("no difference in what is recorded", "good"))
    said = {
        "content": "the same content",
        "job": "the same command, code, inputs and outputs",
        "session": "the same steps, by command and files",
    }
    behind = ", made in different ways" if what == "content" and response.jobs else ""
    return line(Span(said[what] + behind, "good"))


def _job(job: diff_pb2.JobDiff) -> list[Line]:
    if not (job.HasField("a") and job.HasField("b")):
        side, only = ("a", job.a) if job.HasField("a") else ("b", job.b)
        parts = [Span(f"only {side}  "), Span(only.uid, "id"), Span("  "), Span(only.step, "step")]
        return [(*parts, Span(f" {command_line(only.argv)}"))]
    lines = [_title(job.a, job.b)]
    lines += _values("parameters", job.parameters)
    lines += _files("code", job.code, job.same_code)
    lines += _files("inputs", job.inputs, job.same_inputs)
    lines += _files("outputs", job.outputs, job.same_outputs)
    lines += _values("packages", job.packages)
    lines += _values("environment", job.environment)
    return lines


def _title(a: jobs_pb2.Job, b: jobs_pb2.Job) -> Line:
    steps = [Span(a.step, "step")] if a.step == b.step else [Span(a.step, "step"), _arrow(), Span(b.step, "step")]
    name = a.step_name if a.step_name == b.step_name else f"{a.step_name}{_arrow().text}{b.step_name}"
    parts = [*steps, Span(f" {visible(name)}  "), Span(a.uid, "id"), _arrow(), Span(b.uid, "id"), Span("  ")]
    if a.status != b.status or a.exit_code != b.exit_code:
        parts += [status_span(a), _arrow(), status_span(b), Span("  ")]
    return (*parts, Span(f"took {duration(a.duration_ns)}{_arrow().text}{duration(b.duration_ns)}", "dim"))


def _arrow() -> Span:
    return Span(" → " if wants_unicode() else " -> ", "dim")


def _values(title: str, changes: Sequence[diff_pb2.ValueChange], indent: str = "    ") -> list[Line]:
    if not changes:
        return []
    return [line("  ", Span(title, "head")), *columns([_value_row(change) for change in changes], indent=indent)]


def _value_row(change: diff_pb2.ValueChange) -> Sequence[Span]:
    a = decoded(change.a) if change.HasField("a") else None
    b = decoded(change.b) if change.HasField("b") else None
    if a is None:
        return (Span(visible(change.name)), Span(f"{b}  (only b)".lstrip(), "good"))
    if b is None:
        return (Span(visible(change.name)), Span(f"{a}  (only a)".lstrip(), "bad"))
    parts = f"{a or '(none)'}{_arrow().text}{b or '(none)'}{_delta(change.a, change.b)}"
    return (Span(visible(change.name)), Span(parts))


def _delta(a: bytes, b: bytes) -> str:
    """Returns by how much a figure changed; empty for what is none."""
    try:
        before, after = float(json.loads(a)), float(json.loads(b))
    except (ValueError, TypeError, RecursionError):
        return ""
    return f"  ({after - before:+.4g})"


def _files(title: str, changes: Sequence[diff_pb2.FileChange], same: int) -> list[Line]:
    if not changes:
        return []
    lines: list[Line] = [line("  ", Span(title, "head"), Span(f"  {same:,} more the same" if same else "", "dim"))]
    rows = columns([_file_row(change) for change in changes], indent="    ")
    for row, change in zip(rows, changes, strict=True):
        lines += [row, *_figures(change, "        ")]
    return lines


def _file_row(change: diff_pb2.FileChange) -> Sequence[Span]:
    arrow = _arrow().text
    if change.kind == diff_pb2.CHANGE_KIND_MOVED:
        hashes, path = short(change.hash_a), f"{decoded(change.path)}{arrow}{decoded(change.path_b)}"
    elif change.kind == diff_pb2.CHANGE_KIND_ADDED:
        hashes, path = short(change.hash_b), decoded(change.path)
    elif change.kind == diff_pb2.CHANGE_KIND_REMOVED:
        hashes, path = short(change.hash_a), decoded(change.path)
    else:
        hashes, path = f"{short(change.hash_a)}{arrow}{short(change.hash_b)}", decoded(change.path)
    return (_SIGNS[change.kind], Span(hashes, "id"), Span(path, "path"), Span(_remarks(change), "dim"))


def _remarks(change: diff_pb2.FileChange) -> str:
    """Returns who made an input and what of the code was not committed."""
    remarks = []
    sides = {diff_pb2.CHANGE_KIND_ADDED: (change.producer_b,), diff_pb2.CHANGE_KIND_REMOVED: (change.producer_a,)}
    makers = sides.get(change.kind, (change.producer_a, change.producer_b))
    if any(makers):
        names = dict.fromkeys(maker or "nobody" for maker in makers)
        remarks.append(f"made by {_arrow().text.join(names)}")
    dirty = [side for side, is_dirty in (("a", change.dirty_a), ("b", change.dirty_b)) if is_dirty]
    if dirty:
        remarks.append(f"not as committed in {' and '.join(dirty)}")
    if change.kind == diff_pb2.CHANGE_KIND_UNKNOWN:
        remarks.append("content not known")
    return ", ".join(remarks)


def _figures(change: diff_pb2.FileChange, indent: str) -> list[Line]:
    if change.values_note:
        return [line(indent, Span(f"values not compared: {visible(change.values_note)}", "dim"))]
    lines = columns([_value_row(value) for value in change.values[:MOST_SHOWN]], indent=indent)
    if change.values_changed > MOST_SHOWN:
        more = change.values_changed - MOST_SHOWN
        lines.append(line(indent, Span(f"and {plural(more, 'more value')}; `--json` lists them", "dim")))
    return lines


def _commits(commits: diff_pb2.CommitRange) -> list[Line]:
    a, b = commits.commit_a[:SHORT_HASH], commits.commit_b[:SHORT_HASH]
    head = line(Span("commits", "head"), "  ", Span(a, "id"), _arrow(), Span(b, "id"))
    if commits.problem:
        return [head, line("  ", Span(f"! {visible(commits.problem)}", "warn"))]
    lines = [head]
    for sign, listed, count in (
        (Span("-", "bad"), commits.only_a, commits.only_a_count),
        (Span("+", "good"), commits.only_b, commits.only_b_count),
    ):
        lines += [line("  ", sign, " ", Span(one.id[:SHORT_HASH], "id"), f"  {visible(one.summary)}") for one in listed]
        if count > len(listed):
            lines.append(line("  ", sign, Span(f" and {count - len(listed):,} more", "dim")))
    return lines


def _patch(patch: diff_pb2.Patch) -> list[Line]:
    lines: list[Line] = []
    if patch.note:
        lines.append(line(Span(f"! {decoded(patch.path)}: {visible(patch.note)}", "warn")))
    return [*lines, *_coloured(patch.text.splitlines())]


def _coloured(text: Iterable[bytes]) -> list[Line]:
    styled = []
    for row in text:
        style = next((style for start, style in _PATCH_STYLES if row.startswith(start)), "")
        styled.append(line(Span(decoded(row.replace(b"\t", b"    ")), style)))
    return styled
