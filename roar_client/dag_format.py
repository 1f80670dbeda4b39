"""The forms in which `roar dag` writes the pipeline."""

from __future__ import annotations

import os
from enum import Enum

from roar_client.errors import USAGE, ClientError, shown


class DagFormat(str, Enum):
    """What `roar dag --format` takes."""

    TEXT = "text"
    JSON = "json"
    DOT = "dot"
    MERMAID = "mermaid"
    SVG = "svg"
    PNG = "png"


_BY_SUFFIX = {
    ".json": DagFormat.JSON,
    ".dot": DagFormat.DOT,
    ".gv": DagFormat.DOT,
    ".mmd": DagFormat.MERMAID,
    ".mermaid": DagFormat.MERMAID,
    ".svg": DagFormat.SVG,
    ".png": DagFormat.PNG,
}


def format_of(asked: DagFormat | None, file: str | None, *, json: bool) -> DagFormat:
    """Returns the format asked for, else the one that the name of the file stands for. Raises ClientError usage."""
    if json and asked not in {None, DagFormat.JSON}:
        raise ClientError("usage", f"`--json` and `--format {asked.value}` contradict each other", exit_code=USAGE)
    suffix = os.path.splitext(file or "")[1].lower()
    if json and _BY_SUFFIX.get(suffix, DagFormat.JSON) is not DagFormat.JSON:
        raise ClientError("usage", f"`--json` is not what `{suffix}` stands for", exit_code=USAGE)
    if json or asked:
        return asked or DagFormat.JSON
    if suffix not in {"", ".txt", *_BY_SUFFIX}:
        known = ", ".join(("txt", *(name.removeprefix(".") for name in _BY_SUFFIX)))
        hint = f"name the file *.{{{known}}}, or say it with `--format`"
        raise ClientError(
            "usage", f"it is not known what `{shown(os.fsencode(suffix))}` stands for", hint=hint, exit_code=USAGE
        )
    return _BY_SUFFIX.get(suffix, DagFormat.TEXT)
