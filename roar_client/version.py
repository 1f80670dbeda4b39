"""The version of the installed roar; the file VERSION of the tree is its only source."""

from __future__ import annotations

import os
import sys

_METADATA = ".dist-info"


def version() -> str:
    """Returns it from the name of the installation's metadata, else from the tree that this file stands in.

    importlib.metadata would do the same and cost more than all the rest of `roar --version`.
    """
    for directory in sys.path:
        try:
            names = os.listdir(directory or ".")
        except OSError:
            continue
        for name in names:
            if name.startswith("roar-") and name.endswith(_METADATA):
                return name.removeprefix("roar-").removesuffix(_METADATA)
    tree = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with open(os.path.join(tree, "VERSION"), encoding="ascii") as file:
        return file.read().strip()
