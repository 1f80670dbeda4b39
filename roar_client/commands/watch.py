"""`roar watch`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import examples, new_app

app = new_app()
LOG_MS = 10_000
"""Between two lines where nobody looks on."""


@app.command(
    epilog=examples(
        "roar watch",
        "roar watch 41231",
        "roar watch --json | jq --unbuffered '.usage.rss_bytes'",
    )
)
def watch(
    pid: Annotated[
        int | None,
        typer.Argument(
            metavar="[RUN]", min=1, help="The pid that `roar ps` shows; without it, the newest run of the project."
        ),
    ] = None,
    *,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a line, every second (docs/schema), the job last.")
    ] = False,
) -> None:
    """Follow a run until it is recorded.

    Shows every second what the run has used, and which files it has open: what it reads and how far, what it writes. On
    no terminal it is a line every ten seconds. Ctrl-C ends the watching, never the run. A daemon that is started anew
    meanwhile goes on telling. The exit status is 0 when the run was recorded, however it ended.
    """
    from roar_proto.v1 import live_pb2

    from roar_client.following import follow
    from roar_client.output.text import is_terminal
    from roar_client.output.watching import print_events, show_events, show_log
    from roar_client.project import here

    request = live_pb2.WatchRunRequest(launcher_pid=pid or 0, project_root=b"" if pid else here().root)
    if json:
        print_events(follow(request))
    elif is_terminal():
        show_events(follow(request))
    else:
        request.interval_ms = LOG_MS
        show_log(follow(request))
