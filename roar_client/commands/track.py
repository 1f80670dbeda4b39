"""`roar track`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import examples, new_app

app = new_app()


@app.command(epilog=examples("roar track logs/final.log", "roar track /usr/share/dict/words", "roar track '*.tmp'"))
def track(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, directories, or patterns in quotes.")],
) -> None:
    """Count files that would be left out.

    Takes back what `roar ignore` said of the same path. What something else leaves out, a wider pattern or a filter of
    roar (installed packages, the operating system, caches, temporary files), counts by a line in `.roarignore` that
    begins with `!`. Both are for later runs; what is recorded already stays as it is.
    """
    from roar_client.ignoring import change

    change(paths, track=True)
