"""The forms in which `roar dag` writes the pipeline."""

from __future__ import annotations

import os
from enum import Enum

from roar_client.errors import USAGE, ClientError


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
    if json or asked:
        return asked or DagFormat.JSON
    return _BY_SUFFIX.get(os.path.splitext(file or "")[1].lower(), DagFormat.TEXT)
