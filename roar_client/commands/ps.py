"""`roar ps`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import Json, examples, new_app

app = new_app()


@app.command(
    epilog=examples(
        "roar ps",
        "roar ps --all",
        "roar ps --json | jq '.runs[].launcher_pid'",
    )
)
def ps(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Of all projects, not only of this one.")] = False,
    json: Json = False,
) -> None:
    """List what runs now.

    One line a run, the oldest first: the pid of its `roar`, whether the command runs or is being recorded, for how
    long, and what the command and everything it started use: CPU on average (100% is one core), memory, bytes read and
    written, of pipes and sockets too. A process that made itself a daemon of its own is not counted.
    """
    from roar_proto.v1 import live_pb2

    from roar_client.connection import connect
    from roar_client.output.documents import print_document
    from roar_client.output.live import run_table, runs_document
    from roar_client.output.text import note, show
    from roar_client.project import here

    request = live_pb2.ListRunsRequest(project_root=b"" if everything else here().root)
    with connect() as daemon:
        runs = daemon.call(daemon.live.ListRuns, request).runs
    if json:
        print_document("ps", runs_document(runs))
        return
    show(run_table(runs, projects=everything), crop=True, paged=True)
    if not runs:
        note("nothing runs" if everything else "nothing runs in this project")
