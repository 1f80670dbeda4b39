"""`roar gc`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import Json, examples, new_app

app = new_app()


@app.command(epilog=examples("roar gc --dry-run", "roar gc"))
def gc(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    json: Json = False,
) -> None:
    """Remove kept outputs that are of no use any more.

    `roar run --cached` keeps the outputs of jobs in `.roar/objects/`. Those of jobs that were popped go, and, beyond
    `cache.max_size`, those that were not used for longest; the latter also go by themselves after each run that keeps
    something. No file of yours is touched, and no job: what is gone is made again by running the command. `roar db gc`
    does the same for the database.
    """
    from roar_proto.v1 import cache_pb2

    from roar_client.connection import connect
    from roar_client.output.cache import trim_document, trim_lines
    from roar_client.output.documents import print_document
    from roar_client.output.text import show
    from roar_client.project import here

    project = here()
    request = cache_pb2.TrimCacheRequest(project_root=project.root, dry_run=dry_run)
    with connect() as daemon:
        response = daemon.call(daemon.cache.TrimCache, request)
    if json:
        print_document("gc", trim_document(response, dry_run=dry_run))
    else:
        show(trim_lines(response, dry_run=dry_run))
