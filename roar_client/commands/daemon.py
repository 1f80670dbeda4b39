"""`roar daemon`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import Json, at_least_one, examples, new_app

app = new_app()


@app.callback(epilog=examples("roar daemon status", "roar daemon restart", "roar daemon logs -f"))
def daemon() -> None:
    """Look after the daemon.

    One daemon per user hashes, records and answers. It is started by the first command that needs it and goes when
    nothing has been asked of it for half an hour. Runs do not depend on it: what ends while it is away is recorded by
    the next one.
    """


@app.command()
def status(*, json: Json = False) -> None:
    """Show the daemon, its projects and what runs.

    Exits with 1 when there is no daemon, and starts none.
    """
    from roar_client.daemon_control import find_daemon
    from roar_client.output.documents import daemon_document, print_document
    from roar_client.output.setup import daemon_lines
    from roar_client.output.text import say, show

    found = find_daemon()
    if json:
        print_document("daemon", daemon_document(found))
    elif found is None:
        say("no daemon is running")
    else:
        show(daemon_lines(found))
    if found is None:
        raise typer.Exit(1)


@app.command()
def start() -> None:
    """Start the daemon, unless it is there."""
    from roar_client import daemon_control
    from roar_client.output.setup import show_started

    already = daemon_control.is_running()
    show_started(daemon_control.start(), already=already)


@app.command()
def stop() -> None:
    """End the daemon.

    Recordings under way are finished first. Runs go on; the next daemon records them.
    """
    from roar_client import daemon_control
    from roar_client.output.setup import show_stopped

    show_stopped(daemon_control.stop())


@app.command()
def restart() -> None:
    """End the daemon and start it anew.

    The new one is of the version that is installed now. No run is lost.
    """
    from roar_client import daemon_control
    from roar_client.output.setup import show_started

    daemon_control.stop()
    show_started(daemon_control.start(), already=False)


@app.command()
def install(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the unit, and what would be done.")] = False,
) -> None:
    """Make the daemon a service, which starts with your session.

    Writes a unit for your own service manager (`systemd --user`, or launchd) and has it started; where none answers,
    says what to type. Nothing needs it: without a service, commands start the daemon. Running it again is safe.
    """
    from roar_client.output.setup import show_plan, show_steps
    from roar_client.service_install import install as steps
    from roar_client.service_install import planned
    from roar_client.service_manager import service_manager

    manager = service_manager()
    if dry_run:
        show_plan(manager.content, planned(manager))
    else:
        show_steps(steps(manager))


@app.command()
def uninstall() -> None:
    """End the service and remove its unit. Runs go on."""
    from roar_client.output.setup import show_steps
    from roar_client.service_install import uninstall as steps
    from roar_client.service_manager import service_manager

    show_steps(steps(service_manager()))


@app.command()
def logs(
    *,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until Ctrl-C.")] = False,
    number: Annotated[
        int,
        typer.Option(
            "-n", "--number", metavar="N", show_default=False, callback=at_least_one, help="How many lines of it (50)."
        ),
    ] = 50,
) -> None:
    """Show the end of the daemon's log.

    `-f` goes on when the log is rotated, and when the daemon is started anew. Commands, values of your environment and
    tokens are never in it.
    """
    from roar_client.daemon_control import log_path
    from roar_client.output.logs import show_log

    show_log(log_path(), lines=number, follow=follow)
