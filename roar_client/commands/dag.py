"""`roar dag`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import Json, examples, new_app

app = new_app()


@app.command(
    epilog=examples(
        "roar dag",
        "roar dag --stale-only --show-artifacts",
        "roar dag --json | jq '.steps[] | select(.stale) | .step'",
    )
)
def dag(
    *,
    expanded: Annotated[bool, typer.Option("--expanded", help="List every execution of each step.")] = False,
    show_artifacts: Annotated[
        bool, typer.Option("--show-artifacts", help="List files one by one, with hash, size and state on disk.")
    ] = False,
    stale_only: Annotated[bool, typer.Option("--stale-only", help="Only the steps that are stale.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours, also on a terminal.")] = False,
    json: Json = False,
) -> None:
    """Show the pipeline as a graph.

    One node is one step, stood for by its latest job; lines lead down to the steps that read its files. Below a step
    stand the files that come from outside the pipeline (<-) and those that it made (->). A step is stale when what it
    read is not what is there now, also when the file was edited by hand, or when a step before it is stale.
    """
    from roar_proto.v1 import sessions_pb2

    from roar_client.connection import connect
    from roar_client.output.documents import dag_document, print_document
    from roar_client.output.graph import dag_lines
    from roar_client.output.text import show
    from roar_client.project import here

    project = here()
    with connect() as daemon:
        request = sessions_pb2.GetDagRequest(project_root=project.root, check_files=True)
        response = daemon.call(daemon.sessions.GetDag, request)
        jobs = None
        if expanded:
            all_jobs = sessions_pb2.GetSessionRequest(project_root=project.root)
            jobs = daemon.call(daemon.sessions.GetSession, all_jobs).jobs
    if json:
        print_document("dag", dag_document(response, jobs, stale_only=stale_only))
    else:
        lines = dag_lines(response, jobs, stale_only=stale_only, all_files=show_artifacts)
        show(lines, crop=True, colour=not no_color, paged=True)
