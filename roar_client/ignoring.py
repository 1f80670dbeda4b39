"""Changes the rules about which files count: `roar ignore` and `roar track`."""

from __future__ import annotations

from collections.abc import Sequence


def change(paths: Sequence[str], *, track: bool) -> None:
    """Has later runs leave files out, or count them."""
    import os

    from roar_proto.v1 import ignore_pb2

    from roar_client.connection import connect
    from roar_client.output.ignore import show_changes
    from roar_client.project import here

    project = here()
    request = ignore_pb2.ChangeIgnoreRulesRequest(
        project_root=project.root, cwd=project.cwd, targets=map(os.fsencode, paths), track=track
    )
    with connect() as daemon:
        show_changes(daemon.call(daemon.ignore.ChangeIgnoreRules, request), track=track)
