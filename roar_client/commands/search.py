"""`roar search`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import Json, at_least_one, examples, new_app

app = new_app()
MOST = 10_000
"""Jobs and files that one request may ask for."""


@app.command(
    epilog=examples(
        "roar search metrics.json",
        "roar search train lr=0.1",
        "roar search -n 100 --json checkpoints .pt",
    )
)
def search(
    words: Annotated[list[str], typer.Argument(metavar="WORD...", help="All of them must be found, in any order.")],
    *,
    number: Annotated[
        int,
        typer.Option(
            "-n",
            "--number",
            metavar="N",
            show_default=False,
            callback=at_least_one,
            help="How many jobs and how many files at most (20).",
        ),
    ] = 20,
    json: Json = False,
) -> None:
    """Find jobs by their commands and files by their paths.

    A word may be any part of a command or path; upper and lower case of ASCII letters are the same. All sessions are
    searched. Of each file the job that used it last is shown: -> it was written, <- it was read.
    """
    from roar_proto.v1 import lineage_pb2

    from roar_client.connection import connect
    from roar_client.errors import USAGE, ClientError
    from roar_client.output.documents import print_document
    from roar_client.output.search import search_document, search_lines
    from roar_client.output.text import note, show
    from roar_client.project import here

    if not any(words):
        raise ClientError("usage", "nothing to search for", hint="see `roar search --help`", exit_code=USAGE)
    # What is not UTF-8 cannot travel as text; the rest of the word decides.
    texts = [word.encode("utf-8", "surrogateescape").decode("utf-8", "ignore") for word in words]
    project = here()
    request = lineage_pb2.SearchRequest(project_root=project.root, words=texts, limit=min(number, MOST))
    with connect() as daemon:
        response = daemon.call(daemon.lineage.Search, request)
    if json:
        print_document("search", search_document(response))
        return
    show(search_lines(response), crop=True, paged=True)
    if not response.job_total and not response.file_total:
        note("nothing found: no recorded command and no path has all these words in it")
