"""`roar top`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from roar_client.commands.options import Json, at_least_one, examples, new_app

app = new_app()
MOST_FILES = 10_000
"""That one request may ask for."""


class Order(str, Enum):
    """What comes first, as typed."""

    SIZE = "size"
    READS = "reads"
    WRITES = "writes"
    RECENT = "recent"


@app.command(
    epilog=examples(
        "roar top",
        "roar top --by reads -n 5",
        "roar top --all checkpoints/",
    )
)
def top(  # the options are the contract
    text: Annotated[
        str | None, typer.Argument(metavar="[TEXT]", help="Only files whose path holds this; without it, all.")
    ] = None,
    *,
    by: Annotated[
        Order,
        typer.Option("--by", metavar="size|reads|writes|recent", help="What comes first (size).", show_default=False),
    ] = Order.SIZE,
    number: Annotated[
        int,
        typer.Option(
            "-n",
            "--number",
            metavar="N",
            show_default=False,
            callback=at_least_one,
            help="How many files at most (20).",
        ),
    ] = 20,
    everything: Annotated[bool, typer.Option("--all", help="Used in any session, not only in the active one.")] = False,
    json: Json = False,
) -> None:
    """List the largest or most used files.

    Counts how many jobs read and wrote each data file, and shows the size, content and step of its last use. `recent`
    puts the file first that was used last.
    """
    import os

    from roar_proto.v1 import files_pb2

    from roar_client.connection import connect
    from roar_client.output.documents import print_document
    from roar_client.output.files import file_table, files_document
    from roar_client.output.human import plural, size
    from roar_client.output.text import note, show
    from roar_client.project import here

    request = files_pb2.ListFilesRequest(
        project_root=here().root,
        limit=min(number, MOST_FILES),
        all_sessions=everything,
        order=files_pb2.FileOrder.Value(f"FILE_ORDER_{by.name}"),
        holding=os.fsencode(text or ""),
    )
    with connect() as daemon:
        response = daemon.call(daemon.files.ListFiles, request)
    if json:
        print_document("top", files_document(response))
        return
    show(file_table(response.files), crop=True, paged=True)
    if not response.total:
        note("no file matches" if text else "no file is recorded yet")
    elif response.total > len(response.files):
        note(f"{len(response.files):,} of {plural(response.total, 'file')}, {size(response.total_bytes)} in all")
