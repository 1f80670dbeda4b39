"""`roar diff`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import Json, at_least_one, examples, new_app

app = new_app()


@app.command(
    epilog=examples(
        "roar diff @-2 @-1",
        "roar diff 8f2a1c3e @2 --depth 1",
        "roar diff models/svc.joblib 7f1ec9a4",
        "roar diff 3f9a0c12 5b7d --session --no-patch",
    )
)
def diff(  # noqa: PLR0913  # the options are the contract
    a: Annotated[str, typer.Argument(metavar="A", help="A job, a path, the hash of a content or of a session.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another of the same kind.")],
    *,
    depth: Annotated[
        int | None,
        typer.Option("-d", "--depth", metavar="N", callback=at_least_one, help="How many jobs upwards at most."),
    ] = None,
    no_patch: Annotated[bool, typer.Option("--no-patch", help="Name the code that differs, without the text.")] = False,
    job: Annotated[bool, typer.Option("--job", help="A and B are steps or ids of jobs.")] = False,
    artifact: Annotated[bool, typer.Option("--artifact", help="A and B are hashes of contents.")] = False,
    session: Annotated[bool, typer.Option("--session", help="A and B are hashes of sessions.")] = False,
    path: Annotated[bool, typer.Option("--path", help="A and B are paths.")] = False,
    json: Json = False,
) -> None:
    """Show what two jobs, files or sessions differ in.

    Every job behind A is compared with its counterpart behind B: parameters, code, inputs, outputs, packages and
    environment. Counterparts are jobs of the same step; two sessions are compared by the latest job of each step. What
    is the same is only counted. --depth 1 leaves the jobs upstream alone.

    Code is compared by what ran, committed or not; the patch is that of git, as far as the contents are still on disk
    or in a commit. Small JSON, YAML, TOML, CSV and TSV files are compared value by value under the same condition.
    """
    import os

    from roar_proto.v1 import diff_pb2

    from roar_client.connection import connect
    from roar_client.output.diff import diff_lines
    from roar_client.output.diff_document import diff_document
    from roar_client.output.documents import print_document
    from roar_client.output.text import show
    from roar_client.project import here
    from roar_client.reference_kind import kind_of

    kind = kind_of("diff", job=job, artifact=artifact, session=session, path=path)
    project = here()
    request = diff_pb2.DiffRequest(
        project_root=project.root,
        a=os.fsencode(a),
        b=os.fsencode(b),
        cwd=project.cwd,
        kind=kind,
        depth=depth or 0,
        without_patches=no_patch,
    )
    with connect() as daemon:
        response = daemon.call(daemon.diff.Diff, request)
    if json:
        print_document("diff", diff_document(response))
    else:
        show(diff_lines(response), crop=True, paged=True)
