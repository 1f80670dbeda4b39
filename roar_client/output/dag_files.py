"""The pipeline in a form for other programs, and where it goes."""

from __future__ import annotations

import os
import sys

from roar_client.dag_format import DagFormat
from roar_client.errors import USAGE, ClientError, shown
from roar_client.output.diagram import Diagram, dot_text, mermaid_text
from roar_client.output.text import is_terminal


def rendered(drawn: Diagram, form: DagFormat) -> bytes:
    """Returns a diagram as dot, mermaid, SVG or PNG."""
    match form:
        case DagFormat.DOT:
            return dot_text(drawn).encode()
        case DagFormat.MERMAID:
            return mermaid_text(drawn).encode()
    from roar_client.output.picture import png_bytes, svg_text

    svg = svg_text(drawn)
    return png_bytes(svg) if form is DagFormat.PNG else svg.encode()


def put(content: bytes, file: str | None) -> None:
    """Writes to a file, or to stdout. Raises ClientError file-not-written."""
    if file is None or file == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        with open(file, "wb") as out:
            out.write(content)
    except OSError as error:
        name = shown(os.fsencode(file))
        raise ClientError("file-not-written", f"cannot write `{name}`", cause=error.strerror or "") from None


def refuse_terminal(form: DagFormat, file: str | None) -> None:
    """Raises ClientError no-picture when a PNG would go to a terminal."""
    if form is DagFormat.PNG and file is None and is_terminal():
        hint = "name a file: `roar dag -o dag.png`"
        raise ClientError("no-picture", "a PNG is nothing for a terminal", hint=hint, exit_code=USAGE)
