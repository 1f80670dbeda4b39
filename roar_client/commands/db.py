"""`roar db`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import Json, examples, new_app

app = new_app()


@app.callback(
    epilog=examples("roar db info", "roar db check", "roar db backup ~/roar-2026-11.db", "roar db gc --dry-run")
)
def db() -> None:
    """Look after this project's database.

    `.roar/roar.db` holds all that was recorded. It is copied into `.roar/backups/` before its form changes; `roar db
    backup` makes a copy at any time, also while commands are being recorded.
    """


@app.command()
def info(*, json: Json = False) -> None:
    """Show what is in the database and around it.

    Also of one that cannot be opened: then what can be read of it, and why not all.
    """
    from roar_proto.v1 import database_pb2

    from roar_client.connection import connect
    from roar_client.output.database import info_document, info_lines
    from roar_client.output.documents import print_document
    from roar_client.output.text import show
    from roar_client.project import here

    project = here()
    with connect() as daemon:
        request = database_pb2.GetDatabaseInfoRequest(project_root=project.root)
        response = daemon.call(daemon.database.GetDatabaseInfo, request)
    if json:
        print_document("db-info", info_document(response))
    else:
        show(info_lines(response))


@app.command()
def check(*, json: Json = False) -> None:
    """Check that the database is sound.

    Reads all of it: whether the file is whole, whether everything that is named is there, whether hashes are those of
    what they stand for, whether runs had to be put aside. Changes nothing. Exits with 1 when something is wrong.
    """
    from roar_proto.v1 import database_pb2

    from roar_client.connection import connect
    from roar_client.output.database import check_document, check_lines, is_sound
    from roar_client.output.documents import print_document
    from roar_client.output.text import show
    from roar_client.project import here

    project = here()
    with connect() as daemon:
        request = database_pb2.CheckDatabaseRequest(project_root=project.root)
        response = daemon.call(daemon.database.CheckDatabase, request)
    if json:
        print_document("db-check", check_document(response))
    else:
        show(check_lines(response))
    if not is_sound(response):
        raise typer.Exit(1)


@app.command()
def backup(
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="Where to; without it, a new file in `.roar/backups/`.")
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE when it is there.")] = False,
    json: Json = False,
) -> None:
    """Copy the database while it is in use.

    The copy is checked and then moved into place: it is whole or not there. It is readable by you alone.
    """
    from roar_proto.v1 import database_pb2

    from roar_client.connection import connect
    from roar_client.output.database import backup_document, show_backup
    from roar_client.output.documents import print_document
    from roar_client.project import absolute, here

    project = here()
    target = absolute(project, file) if file else b""
    with connect() as daemon:
        request = database_pb2.BackUpDatabaseRequest(project_root=project.root, target=target, force=force)
        made = daemon.call(daemon.database.BackUpDatabase, request).backup
    if json:
        print_document("db-backup", backup_document(made))
    else:
        show_backup(made)


@app.command()
def gc(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    quarantined: Annotated[
        bool, typer.Option("--quarantined", help="Also remove runs that were put aside because they are damaged.")
    ] = False,
    trash: Annotated[
        bool, typer.Option("--trash", help="Also remove popped jobs and their files; none can be brought back then.")
    ] = False,
    json: Json = False,
) -> None:
    """Remove what nothing refers to and give its space back.

    That is: hashes of files that are gone or have changed, contents that no job read or wrote, all backups but the
    newest five, and free space in the files. No job is touched, and no database that `roar db restore` has replaced;
    what `roar pop` has put into the trash is only counted.
    """
    from roar_proto.v1 import database_pb2

    from roar_client.connection import connect
    from roar_client.output.database import clean_document, clean_lines
    from roar_client.output.documents import print_document
    from roar_client.output.text import show
    from roar_client.project import here

    project = here()
    request = database_pb2.CleanDatabaseRequest(
        project_root=project.root, dry_run=dry_run, quarantined=quarantined, trash=trash
    )
    with connect() as daemon:
        response = daemon.call(daemon.database.CleanDatabase, request)
    if json:
        print_document("db-gc", clean_document(response, dry_run=dry_run))
    else:
        show(clean_lines(response, dry_run=dry_run))


@app.command()
def restore(
    file: Annotated[
        str | None, typer.Argument(metavar="[BACKUP]", help="Which; without it, the newest of `.roar/backups/`.")
    ] = None,
    *,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Put a backup in the place of the database.

    For a database that is damaged, or of a newer roar. The one that was there is kept in `.roar/backups/`; jobs that
    were recorded after the backup are only in that one. Runs that are not recorded yet are recorded then.
    """
    from roar_proto.v1 import database_pb2

    from roar_client.connection import connect
    from roar_client.errors import USAGE, ClientError
    from roar_client.output.database import confirm_restore, restore_document, show_restored
    from roar_client.output.documents import print_document
    from roar_client.output.text import can_ask
    from roar_client.project import absolute, here

    project = here()
    wanted = absolute(project, file) if file else b""
    if not yes and not can_ask():
        raise ClientError("usage", "there is nobody to ask", hint="say `roar db restore -y`", exit_code=USAGE)
    if not yes and not confirm_restore(wanted):
        raise typer.Exit(1)
    with connect() as daemon:
        request = database_pb2.RestoreDatabaseRequest(project_root=project.root, backup=wanted)
        response = daemon.call(daemon.database.RestoreDatabase, request)
    if json:
        print_document("db-restore", restore_document(response))
    else:
        show_restored(response)
