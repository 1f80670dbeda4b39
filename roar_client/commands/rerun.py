"""`roar rerun`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import examples, new_app

app = new_app()


@app.command(
    epilog=examples(
        "roar rerun --stale --dry-run",
        "roar rerun --stale",
        "roar rerun --stale @3",
    )
)
def rerun(
    steps: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[@N]...", show_default=False, help="Only these steps, and those that they are made from."
        ),
    ] = None,
    *,
    stale: Annotated[bool, typer.Option("--stale", help="Run what is out of date.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be run, and why.")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="With --dry-run: print one JSON object (docs/schema) instead of text.")
    ] = False,
) -> None:
    """Run again what is out of date, in order, and nothing else.

    A step is out of date when it is stale (see `roar status`), when its newest job failed or was interrupted though one
    before it ended well, when it reads from such a step, and when a step to be run needs a file that it made and that
    is missing. After each step the rest is looked at anew: a step whose inputs turn out as they were is skipped. The
    first step that does not end well stops it, with exit status 1. Each step is run as by `roar run @N`: name,
    directory and command stay. Ctrl-C goes to the step that runs, which is recorded as interrupted; nothing is started
    after it.
    """
    from roar_proto.v1 import sessions_pb2

    from roar_client.connection import connect
    from roar_client.errors import USAGE, ClientError
    from roar_client.output.documents import print_document
    from roar_client.output.rerun import outdated_document, outdated_lines, show_done
    from roar_client.output.text import show
    from roar_client.project import here
    from roar_client.rerun import Pipeline

    if not stale:
        hint = "`roar rerun --stale` runs what is out of date, `roar run @N` one step in any case"
        raise ClientError("usage", "say what is to be run again", hint=hint, exit_code=USAGE)
    if json and not dry_run:
        hint = "the commands print what they like on stdout; `roar status --json` tells how it ended"
        raise ClientError("usage", "`--json` is for `--dry-run`", hint=hint, exit_code=USAGE)
    project = here()
    request = sessions_pb2.ListOutdatedStepsRequest(project_root=project.root, steps=steps)
    if not dry_run:
        raise typer.Exit(Pipeline(request).run())
    with connect() as daemon:
        response = daemon.call(daemon.sessions.ListOutdatedSteps, request)
    if json:
        print_document("rerun", outdated_document(response))
    elif response.steps:
        show(outdated_lines(response), crop=True, paged=True)
    else:
        show_done([], request.steps)
