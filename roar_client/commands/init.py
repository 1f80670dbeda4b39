"""`roar init`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import examples, new_app

app = new_app()


@app.command(
    epilog=examples(
        "roar init",
        "roar init -y --path ~/digits",
    )
)
def init(
    *,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Add `.roar/` to `.gitignore` without asking.")] = False,
    no: Annotated[bool, typer.Option("-n", "--no", help="Leave `.gitignore` alone without asking.")] = False,
    path: Annotated[
        str | None, typer.Option("--path", metavar="DIR", help="Make the project there, not in this directory.")
    ] = None,
) -> None:
    """Make a project of this directory.

    Makes `.roar/` with the database and a commented `config.toml`. Everything that is run below this directory with
    `roar run` is recorded there. In a git work tree `.roar/` should be ignored: `roar init` offers to add it to the
    `.gitignore` beside it, which is made when there is none. Nothing is done twice; running it again is safe.
    """
    import os

    from roar_proto.v1 import sessions_pb2

    from roar_client import gitignore
    from roar_client.connection import connect
    from roar_client.errors import USAGE, ClientError, shown
    from roar_client.output.setup import show_initialised
    from roar_client.project import find_root, working_directory

    if yes and no:
        raise ClientError("usage", "-y and -n exclude each other", hint="see `roar init --help`", exit_code=USAGE)
    cwd = working_directory()
    root = os.path.realpath(os.path.join(cwd, os.fsencode(path or "")))
    if not os.path.isdir(root):
        raise ClientError("no-directory", f"there is no directory `{shown(root)}`", hint="make it first: `mkdir -p`")
    home = os.environb.get(b"HOME", b"")
    above = find_root(os.path.dirname(root), home)
    with connect() as daemon:
        response = daemon.call(daemon.sessions.InitProject, sessions_pb2.InitProjectRequest(project_root=root))
    is_home = bool(home) and root == os.path.realpath(home)
    show_initialised(root, created=response.created, above=above, is_home=is_home)
    gitignore.offer(root, answer=True if yes else False if no else None)
