"""`roar tui`."""

from __future__ import annotations

from roar_client.commands.options import examples, new_app

app = new_app()


@app.command(
    epilog=examples(
        "roar tui",
        "NO_COLOR=1 roar tui",
    )
)
def tui() -> None:
    """Browse the project on the whole terminal.

    Pipeline, jobs, files, sessions and what runs now, each a table, with everything that is known of the chosen row
    beside it or, on a narrow terminal, below. It stays current by itself. Keys do everything: `?` lists them, `q`
    leaves.
    """
    import os
    import sys

    from roar_client.errors import ClientError
    from roar_client.project import here

    project = here()
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "dumb") == "dumb":
        raise ClientError(
            "no-terminal",
            "this is no terminal on which text can be placed",
            cause=f"standard input and output must be one; TERM is `{os.environ.get('TERM', '')}`",
            hint="`roar status`, `roar log` and `roar dag` say the same in lines, with `--json` for programs",
        )
    from roar_client.tui.app import RoarApp

    RoarApp(project.root).run()
