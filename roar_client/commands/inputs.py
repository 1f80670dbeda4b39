"""`roar inputs`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import Json, examples, new_app

app = new_app()


@app.command(
    epilog=examples(
        "roar inputs reports/metrics.json",
        "roar inputs @3 --direct",
        "roar inputs models/svc.bin --all --json",
    )
)
def inputs(  # noqa: PLR0913  # the options are the contract
    ref: Annotated[
        str | None, typer.Argument(metavar="[REF]", help="A path, a hash, a job or a session; without it, the session.")
    ] = None,
    *,
    direct: Annotated[bool, typer.Option("--direct", help="Only what the job itself read that made it.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Every file upstream, with the step that made it.")] = False,
    job: Annotated[bool, typer.Option("--job", help="REF is a step or the id of a job.")] = False,
    artifact: Annotated[bool, typer.Option("--artifact", help="REF is the hash of a content.")] = False,
    session: Annotated[bool, typer.Option("--session", help="REF is the hash of a session.")] = False,
    path: Annotated[bool, typer.Option("--path", help="REF is a path.")] = False,
    json: Json = False,
) -> None:
    """List the data that something was made from.

    These are the root inputs: files that no recorded job made, read by the job that made REF or by any job before it.
    For a session they are those of the latest job of each step. A file that was updated in place is listed with each
    content that was read. Code is not data: `roar show JOB` lists it.
    """
    import os

    from roar_proto.v1 import lineage_pb2

    from roar_client.connection import connect
    from roar_client.errors import USAGE, ClientError
    from roar_client.output.documents import print_document
    from roar_client.output.inputs import inputs_document, inputs_lines, nothing_note
    from roar_client.output.text import note, show
    from roar_client.project import here
    from roar_client.reference_kind import kind_of

    if direct and everything:
        fact = "--direct and --all exclude each other"
        raise ClientError("usage", fact, hint="see `roar inputs --help`", exit_code=USAGE)
    kind = kind_of("inputs", job=job, artifact=artifact, session=session, path=path)
    scope = lineage_pb2.INPUT_SCOPE_DIRECT if direct else lineage_pb2.INPUT_SCOPE_UNSPECIFIED
    scope = lineage_pb2.INPUT_SCOPE_ALL if everything else scope
    project = here()
    request = lineage_pb2.GetInputsRequest(
        project_root=project.root, ref=os.fsencode(ref or ""), cwd=project.cwd, kind=kind, scope=scope
    )
    with connect() as daemon:
        response = daemon.call(daemon.lineage.GetInputs, request)
    if json:
        print_document("inputs", inputs_document(response))
        return
    show(inputs_lines(response), crop=True, paged=True)
    if not response.inputs:
        note(nothing_note(response))
