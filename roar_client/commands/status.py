"""`roar status`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import Json, examples, new_app

app = new_app()


@app.command(
    epilog=examples(
        "roar status",
        "roar status --exit-code || make results",
    )
)
def status(
    *,
    json: Json = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 when a step is stale, or did not end well.")
    ] = False,
) -> None:
    """Show what is up to date and what is not.

    One screen about the active session: its steps, what is stale and why, how the files on disk stand to what was
    recorded, and what runs now. Files are compared by content; one that was touched but not changed is as recorded.
    """
    from roar_proto.v1 import sessions_pb2, types_pb2

    from roar_client.connection import connect
    from roar_client.output.documents import print_document, status_document
    from roar_client.output.steps import status_lines
    from roar_client.output.text import show
    from roar_client.project import here

    project = here()
    with connect() as daemon:
        request = sessions_pb2.GetProjectStatusRequest(project_root=project.root)
        response = daemon.call(daemon.sessions.GetProjectStatus, request)
    if json:
        print_document("status", status_document(response))
    else:
        show(status_lines(response), crop=True)
    if exit_code and any(step.stale or step.job.status != types_pb2.JOB_STATUS_OK for step in response.steps):
        raise typer.Exit(1)
