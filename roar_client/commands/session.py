"""`roar session`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import Json, examples, new_app

app = new_app()


@app.callback(epilog=examples("roar session list", "roar session show c810fcce", "roar session use c810fcce"))
def session() -> None:
    """List old sessions, show them, go back to one.

    A session holds the steps since `roar init` or `roar reset`. New jobs go to the active one, and @1 is a step of it.
    """


@app.command("list")
def list_(*, json: Json = False) -> None:
    """List all sessions of the project, newest first."""
    from roar_proto.v1 import sessions_pb2

    from roar_client.connection import connect
    from roar_client.output.documents import print_document
    from roar_client.output.sessions import sessions_document, sessions_lines
    from roar_client.output.text import show
    from roar_client.project import here

    project = here()
    with connect() as daemon:
        request = sessions_pb2.ListSessionsRequest(project_root=project.root)
        response = daemon.call(daemon.sessions.ListSessions, request)
    if json:
        print_document("sessions", sessions_document(response))
    else:
        show(sessions_lines(response), crop=True, paged=True)


@app.command("show")
def show_(
    ref: Annotated[
        str, typer.Argument(metavar="[HASH]", help="Hash of the session, or the beginning of one; the active one.")
    ] = "",
    *,
    json: Json = False,
) -> None:
    """Show a session and its jobs.

    The same as `roar show --session HASH`.
    """
    from roar_proto.v1 import lineage_pb2, sessions_pb2

    from roar_client.connection import connect
    from roar_client.output.answer import show_answer
    from roar_client.project import here

    project = here()
    with connect() as daemon:
        request = sessions_pb2.GetSessionRequest(project_root=project.root, ref=ref)
        found = daemon.call(daemon.sessions.GetSession, request)
    view = lineage_pb2.SessionView(session=found.session, jobs=found.jobs)
    show_answer(lineage_pb2.ResolveResponse(session=view), json=json, dropped=False, processes=False)


@app.command()
def use(
    ref: Annotated[str, typer.Argument(metavar="HASH", help="Hash of the session, or the beginning of one.")],
    *,
    json: Json = False,
) -> None:
    """Make a session the active one.

    @1 is a step of it from now on, and new jobs go there. The one that was active stays as it is.
    """
    from roar_proto.v1 import sessions_pb2

    from roar_client.connection import connect
    from roar_client.errors import USAGE, ClientError
    from roar_client.output.documents import print_document
    from roar_client.output.sessions import show_used, use_document
    from roar_client.project import here

    project = here()
    if not ref:
        raise ClientError("usage", "the hash is empty", hint="`roar session list` lists the sessions", exit_code=USAGE)
    with connect() as daemon:
        request = sessions_pb2.UseSessionRequest(project_root=project.root, ref=ref)
        response = daemon.call(daemon.sessions.UseSession, request)
    if json:
        print_document("session-use", use_document(response))
    else:
        show_used(response)
