"""`roar ignore`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import Json, examples, new_app

app = new_app()


@app.command(
    epilog=examples(
        "roar ignore logs/ checkpoints/last.pt",
        "roar ignore '*.tmp'",
        "roar ignore",
    )
)
def ignore(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH...]", help="Files, directories or patterns; without one, list the rules."),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Leave files out of later records.

    They are neither inputs nor outputs then, but kept by name: `roar show REF --dropped` lists them with the rule. What
    is recorded already stays as it is. The rules are lines of `.roarignore` in the project's top directory (one
    elsewhere is not read), which you may edit: patterns as in `.gitignore`, the last one that fits decides. A pattern
    that begins with `//` is for files outside of the project. `roar track` takes a rule back.
    """
    from roar_proto.v1 import ignore_pb2

    from roar_client.connection import connect
    from roar_client.errors import USAGE, ClientError
    from roar_client.ignoring import change
    from roar_client.output.documents import print_document
    from roar_client.output.ignore import rules_document, rules_lines, show_mistakes
    from roar_client.output.text import show
    from roar_client.project import here

    if paths and json:
        raise ClientError("usage", "--json is for the list of rules", hint="leave out the paths", exit_code=USAGE)
    if paths:
        change(paths, track=False)
        return
    with connect() as daemon:
        request = ignore_pb2.ListIgnoreRulesRequest(project_root=here().root)
        response = daemon.call(daemon.ignore.ListIgnoreRules, request)
    if json:
        print_document("ignore-rules", rules_document(response))
    else:
        show(rules_lines(response))
    if response.mistakes:
        show_mistakes(response)
        raise typer.Exit(1)
