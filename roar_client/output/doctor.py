"""What `roar doctor` found, for people and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from roar_client.capture import Row
from roar_client.findings import Finding, Installation
from roar_client.output.documents import Document, Value, tracer_check_document
from roar_client.output.human import plural
from roar_client.output.text import BLANK, Line, Span, columns, line, visible

WORDS = {"passed": "ok", "blind": "blind", "failed": "WRONG", "skipped": "-"}
_STYLES = {"ok": "good", "note": "warn", "wrong": "bad", "blind": "warn", "WRONG": "bad", "-": "dim"}
_ABOUT = {
    "ok": "recorded the truth",
    "blind": "missed something, and the record says so",
    "WRONG": "missed something or made something up, and the record does not say so",
    "-": "this machine lacks something for the case",
}
_INDENT = "  "


def is_well(installation: Installation, rows: Sequence[Row]) -> bool:
    """Returns whether nothing is wrong."""
    return not any(finding.state == "wrong" for finding in installation.findings) and not any(
        verdict.outcome == "failed" for row in rows for verdict in row.verdicts.values()
    )


def finding_lines(findings: Sequence[Finding]) -> list[Line]:
    """Returns one line for each thing that was looked at."""
    rows = [(Span(f.state, _STYLES[f.state]), Span(f.name), Span(visible(f.text))) for f in findings]
    return [line(Span("installation", "head")), *columns(rows, indent=_INDENT)]


def matrix_lines(rows: Sequence[Row], backends: Sequence[str], *, verbose: bool) -> list[Line]:
    """Returns a line for each case and a word for each backend, then what was different from the truth."""
    head = [Span("capture matrix", "head"), *(Span(backend, "head") for backend in backends)]
    table = [[Span(_INDENT + row.case.name), *(_cell(row, backend) for backend in backends)] for row in rows]
    lines = [BLANK, *columns([[*head, Span("")], *([*cells, Span("")] for cells in table)])]
    words = {WORDS[verdict.outcome] for row in rows for verdict in row.verdicts.values()}
    legend = [(Span(word, _STYLES[word]), Span(about, "dim")) for word, about in _ABOUT.items() if word in words]
    lines += [BLANK, *columns(legend, indent=_INDENT)]
    shown = {"failed", "blind", "skipped"} if verbose else {"failed"}
    differences = [
        (
            Span(WORDS[verdict.outcome], _STYLES[WORDS[verdict.outcome]]),
            Span(backend),
            Span(row.case.name),
            Span(visible(problem)),
        )
        for row in rows
        for backend, verdict in sorted(row.verdicts.items())
        if verdict.outcome in shown
        for problem in verdict.problems
    ]
    return (
        [*lines, BLANK, line(Span("differences", "head")), *columns(differences, indent=_INDENT)]
        if differences
        else lines
    )


def _cell(row: Row, backend: str) -> Span:
    word = WORDS[row.verdicts[backend].outcome]
    return Span(word, _STYLES[word])


def advice_lines(installation: Installation, rows: Sequence[Row]) -> list[Line]:
    """Returns what to do now."""
    return [
        BLANK,
        line(Span("what to do", "head")),
        *(line(_INDENT, Span(visible(text))) for text in advice(installation, rows)),
    ]


def advice(installation: Installation, rows: Sequence[Row]) -> list[str]:
    """Returns what to do, what is wrong first."""
    found = sorted((f for f in installation.findings if f.state != "ok"), key=lambda finding: finding.state != "wrong")
    todo = [f"{finding.name}: {finding.hint}" for finding in found if finding.hint]
    wrong = Counter(b for row in rows for b, verdict in row.verdicts.items() if verdict.outcome == "failed")
    for backend, number in sorted(wrong.items()):
        others = [b for b in rows[0].verdicts if b not in wrong]
        instead = f"; until it is mended, `roar tracer set-default {others[0]}`" if others else ""
        todo.append(
            f"{backend}: {plural(number, 'case')} went wrong here, which is a bug: please report it with what "
            f"`roar doctor --json` prints{instead}"
        )
    return todo or ["nothing: everything works"]


def doctor_document(installation: Installation, rows: Sequence[Row]) -> Document:
    """Returns everything that was found."""
    findings: list[Value] = [
        {"name": f.name, "state": f.state, "text": f.text, "hint": f.hint or None} for f in installation.findings
    ]
    return {
        "ok": is_well(installation, rows),
        "findings": findings,
        **tracer_check_document(installation.tracers),
        "cases": [_case(row) for row in rows],
        "advice": list[Value](advice(installation, rows)),
    }


def _case(row: Row) -> Document:
    verdicts: Document = {
        backend: {"verdict": _VERDICTS[verdict.outcome], "problems": list[Value](verdict.problems)}
        for backend, verdict in sorted(row.verdicts.items())
    }
    return {"name": row.case.name, "about": row.case.about, "verdicts": verdicts}


_VERDICTS = {"passed": "ok", "blind": "blind", "failed": "wrong", "skipped": "skipped"}
