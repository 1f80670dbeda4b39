"""`roar doctor`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from roar_client.commands.options import Json, examples, new_app

app = new_app()


class Backend(str, Enum):
    """A backend, as typed."""

    EBPF = "ebpf"
    PRELOAD = "preload"
    PTRACE = "ptrace"


@app.command(
    epilog=examples(
        "roar doctor",
        "roar doctor --tracer preload -v",
    )
)
def doctor(
    *,
    tracer: Annotated[
        Backend | None,
        typer.Option("--tracer", metavar="T", help="Only with this backend, which must work: ebpf, preload or ptrace."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Also what was missed and said so, and why a case was left out.")
    ] = False,
    json: Json = False,
) -> None:
    """Check this installation with real programs.

    Looks whether its parts are there and fit together, then runs some seventy small programs with each backend that
    works here, and compares what is recorded with what they do: ok, blind (missed something, and the record says so) or
    WRONG. Takes about ten seconds a backend. They run in a folder of their own with a daemon of their own, of which
    nothing stays. Exits with 1 when something is wrong.
    """
    from roar_client.capture import chosen_cases, run_matrix
    from roar_client.installation import examine, find_launcher
    from roar_client.output.doctor import advice_lines, doctor_document, finding_lines, is_well, matrix_lines
    from roar_client.output.documents import print_document
    from roar_client.output.progress import Progress
    from roar_client.output.text import show

    only = tracer.value if tracer else ""
    installation = examine(only)
    if not json:
        show(finding_lines(installation.findings))
    backends, roar = installation.usable(only), find_launcher()
    rows = []
    if backends and roar:
        progress = Progress("running programs")
        try:
            rows = run_matrix(roar, backends, chosen_cases(), progress)
        finally:
            progress.end()
    if json:
        print_document("doctor", doctor_document(installation, rows))
    else:
        show([*(matrix_lines(rows, backends, verbose=verbose) if rows else ()), *advice_lines(installation, rows)])
    if not is_well(installation, rows):
        raise typer.Exit(1)
