"""`roar dag`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import Json, examples, new_app
from roar_client.dag_format import DagFormat, format_of

app = new_app()


@app.command(
    epilog=examples(
        "roar dag",
        "roar dag --stale-only --show-artifacts",
        "roar dag --show-artifacts -o dag.svg",
        "roar dag --format mermaid --session 3f2a9c1b",
        "roar dag --json | jq '.steps[] | select(.stale) | .step'",
    )
)
def dag(  # noqa: PLR0913  # the options are the contract
    *,
    expanded: Annotated[bool, typer.Option("--expanded", help="List every execution of each step.")] = False,
    show_artifacts: Annotated[
        bool, typer.Option("--show-artifacts", help="Show files one by one, with hash, size and state on disk.")
    ] = False,
    stale_only: Annotated[bool, typer.Option("--stale-only", help="Only the steps that are stale.")] = False,
    session: Annotated[
        str | None, typer.Option("--session", metavar="HASH", help="An old session instead of the active one.")
    ] = None,
    form: Annotated[
        DagFormat | None,
        typer.Option("--format", help="How to write it; by default as the name of FILE says, or text."),
    ] = None,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help="Write to a file; - is stdout.")
    ] = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours, also on a terminal.")] = False,
    json: Json = False,
) -> None:
    """Show the pipeline as a graph.

    One node is one step, stood for by its latest job; lines lead down to the steps that read its files. Below a step
    stand the files that come from outside the pipeline (<-) and those that it made (->). A step is stale when what it
    read is not what is there now, also when the file was edited by hand, or when a step before it is stale.

    For documents: svg and png are pictures, dot is for graphviz, mermaid for Markdown on GitHub and GitLab.
    """
    from roar_proto.v1 import sessions_pb2

    from roar_client.connection import connect
    from roar_client.output.dag_files import put, refuse_terminal, rendered
    from roar_client.output.diagram import diagram
    from roar_client.output.documents import dag_document, document_text, print_document
    from roar_client.output.graph import dag_lines
    from roar_client.output.text import plain_text, show
    from roar_client.project import here

    form = format_of(form, output, json=json)
    refuse_terminal(form, output)
    project = here()
    with connect() as daemon:
        request = sessions_pb2.GetDagRequest(project_root=project.root, check_files=True, session=session or "")
        response = daemon.call(daemon.sessions.GetDag, request)
        jobs = None
        if expanded:
            all_jobs = sessions_pb2.GetSessionRequest(project_root=project.root, ref=session or "")
            jobs = daemon.call(daemon.sessions.GetSession, all_jobs).jobs
    if form is DagFormat.TEXT:
        lines = dag_lines(response, jobs, stale_only=stale_only, all_files=show_artifacts)
        if output is None:
            show(lines, crop=True, colour=not no_color, paged=True)
        else:
            put(plain_text(lines).encode(), output)
    elif form is DagFormat.JSON:
        document = dag_document(response, jobs, stale_only=stale_only)
        if output is None:
            print_document("dag", document)
        else:
            put(document_text("dag", document).encode(), output)
    else:
        drawn = diagram(response, jobs, stale_only=stale_only, all_files=show_artifacts)
        put(rendered(drawn, form), output)
