"""`roar lineage`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import Json, at_least_one, examples, new_app

app = new_app()


@app.command(
    epilog=examples(
        "roar lineage reports/metrics.json",
        "roar lineage 7f1ec9a4 --json",
        "roar lineage @3 --depth 2",
    )
)
def lineage(  # noqa: PLR0913  # the options are the contract
    ref: Annotated[str, typer.Argument(metavar="REF", help="A path, the hash of a content, or a job.")],
    *,
    depth: Annotated[
        int | None,
        typer.Option("-d", "--depth", metavar="N", callback=at_least_one, help="How many jobs upwards at most."),
    ] = None,
    job: Annotated[bool, typer.Option("--job", help="REF is a step or the id of a job.")] = False,
    artifact: Annotated[bool, typer.Option("--artifact", help="REF is the hash of a content.")] = False,
    path: Annotated[bool, typer.Option("--path", help="REF is a path.")] = False,
    json: Json = False,
) -> None:
    """Show everything that a file was made from.

    Goes from the file (for a path: the content on disk if it is a recorded one, else the last recorded) to the job that
    made it, to what that read, and so on, over all sessions. The first job comes on top, the file's own at the bottom.
    <- is a file that no recorded job made, -> one that the job made. A file updated in place is a new version of it.
    """
    import os

    from roar_proto.v1 import lineage_pb2

    from roar_client.connection import connect
    from roar_client.output.documents import lineage_document, print_document
    from roar_client.output.graph import lineage_lines
    from roar_client.output.text import show
    from roar_client.project import here
    from roar_client.reference_kind import kind_of

    kind = kind_of("lineage", job=job, artifact=artifact, session=False, path=path)
    project = here()
    request = lineage_pb2.GetLineageRequest(
        project_root=project.root, ref=os.fsencode(ref), cwd=project.cwd, depth=depth or 0, kind=kind
    )
    with connect() as daemon:
        response = daemon.call(daemon.lineage.GetLineage, request)
    if json:
        print_document("lineage", lineage_document(response))
    else:
        show(lineage_lines(response), crop=True, paged=True)
