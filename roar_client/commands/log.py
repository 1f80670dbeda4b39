"""`roar log`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from roar_client.commands.options import Json, at_least_one, examples, new_app

app = new_app()
MOST_JOBS = 10_000
"""That one request may ask for."""


class Status(str, Enum):
    """How a job ended, as typed."""

    OK = "ok"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@app.command(
    epilog=examples(
        "roar log -n 5",
        "roar log --all --status failed",
        r"roar log --grep 'lr=0\.1'",
        "roar log --session 3f9a0c12",
    )
)
def log(  # noqa: PLR0913  # the options are the contract
    *,
    number: Annotated[
        int,
        typer.Option(
            "-n", "--number", metavar="N", show_default=False, callback=at_least_one, help="How many jobs at most (20)."
        ),
    ] = 20,
    everything: Annotated[bool, typer.Option("--all", help="Of all sessions, not only of the active one.")] = False,
    session: Annotated[
        str, typer.Option("--session", metavar="HASH", help="Of this session: its hash or the beginning of it.")
    ] = "",
    status: Annotated[
        Status | None, typer.Option("--status", metavar="ok|failed|interrupted", help="Only jobs that ended like this.")
    ] = None,
    grep: Annotated[
        str, typer.Option("--grep", metavar="RE", help="Only jobs whose command holds this regular expression.")
    ] = "",
    json: Json = False,
) -> None:
    """List the newest jobs.

    The newest comes first. A job is one execution; running a command again is a new job of the same step.
    """
    from roar_proto.v1 import jobs_pb2, types_pb2

    from roar_client.connection import connect
    from roar_client.errors import USAGE, ClientError
    from roar_client.output.documents import log_document, print_document
    from roar_client.output.jobs import log_lines
    from roar_client.output.text import note, show
    from roar_client.project import here

    if everything and session:
        fact = "--all and --session exclude each other"
        raise ClientError("usage", fact, hint="see `roar log --help`", exit_code=USAGE)
    project = here()
    wanted = types_pb2.JobStatus.Value(f"JOB_STATUS_{status.name}") if status else types_pb2.JOB_STATUS_UNSPECIFIED
    request = jobs_pb2.ListJobsRequest(
        project_root=project.root,
        limit=min(number, MOST_JOBS),
        all_sessions=everything,
        status=wanted,
        grep=grep,
        session=session,
    )
    with connect() as daemon:
        response = daemon.call(daemon.jobs.ListJobs, request)
    if json:
        print_document("log", log_document(response))
        return
    show(log_lines(response), crop=True, paged=True)
    if not response.total:
        older = "" if everything else "; `roar log --all` lists those of older sessions"
        nothing = f"no job is recorded yet: put `roar run` in front of a command{older}"
        note("no job matches" if grep or status else nothing)
    elif response.total > len(response.jobs):
        more = f"`roar log -n {min(response.total, MOST_JOBS)}` lists them too"
        note(f"{response.total - len(response.jobs):,} older: {more}")
