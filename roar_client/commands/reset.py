"""`roar reset`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import examples, new_app

app = new_app()


@app.command(
    epilog=examples(
        "roar reset",
        "roar reset -y",
    )
)
def reset(*, yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False) -> None:
    """Start a new session and keep the old one.

    New jobs count from @1 again. Jobs of the old session stay: `roar log --all` lists them, `roar show HASH` shows the
    session, and lineages reach into it. No file is touched.
    """
    from roar_proto.v1 import sessions_pb2

    from roar_client.connection import connect
    from roar_client.errors import USAGE, ClientError
    from roar_client.output.setup import confirm_reset, show_reset
    from roar_client.output.text import can_ask
    from roar_client.project import here

    project = here()
    if not yes and not can_ask():
        raise ClientError("usage", "there is nobody to ask", hint="say `roar reset -y`", exit_code=USAGE)
    with connect() as daemon:
        if not yes:
            current = daemon.call(daemon.sessions.GetSession, sessions_pb2.GetSessionRequest(project_root=project.root))
            if not confirm_reset(current.session):
                raise typer.Exit(1)
        request = sessions_pb2.ResetSessionRequest(project_root=project.root)
        show_reset(daemon.call(daemon.sessions.ResetSession, request))
