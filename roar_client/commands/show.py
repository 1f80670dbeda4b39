"""`roar show`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import Json, examples, new_app

app = new_app()


@app.command(
    epilog=examples(
        "roar show @2",
        "roar show --json out/model.pt",
        "roar show --job 8f2a --dropped",
    )
)
def show(  # noqa: PLR0913  # the options are the contract
    ref: Annotated[
        str | None, typer.Argument(metavar="[REF]", help="What to show; without it, the active session.")
    ] = None,
    *,
    job: Annotated[bool, typer.Option("--job", help="REF is a step or the id of a job.")] = False,
    artifact: Annotated[bool, typer.Option("--artifact", help="REF is the hash of a content.")] = False,
    session: Annotated[bool, typer.Option("--session", help="REF is the hash of a session.")] = False,
    path: Annotated[bool, typer.Option("--path", help="REF is a path.")] = False,
    dropped: Annotated[bool, typer.Option("--dropped", help="List the files that filters left out.")] = False,
    processes: Annotated[bool, typer.Option("--processes", help="List the processes of the job.")] = False,
    json: Json = False,
) -> None:
    """Show everything about a job, a session or a file.

    REF is @N or @BN (the latest job of that step), @-1 (the newest job), a job id, the hash of a session or of a file's
    content (or the beginning of one), or a path. Eight hex digits are a job before a session before a content; whatever
    else fits several things is refused with a list of them, and the options decide.
    """
    from roar_proto.v1 import lineage_pb2

    from roar_client.connection import connect
    from roar_client.output.answer import show_answer
    from roar_client.project import here
    from roar_client.reference_kind import kind_of

    kind = kind_of("show", job=job, artifact=artifact, session=session, path=path)
    project = here()
    if ref is None:
        kind = kind or lineage_pb2.REF_KIND_SESSION
    import os

    request = lineage_pb2.ResolveRequest(
        project_root=project.root, ref=os.fsencode(ref or ""), cwd=project.cwd, kind=kind
    )
    with connect() as daemon:
        answer = daemon.call(daemon.lineage.Resolve, request)
    show_answer(answer, json=json, dropped=dropped, processes=processes)
