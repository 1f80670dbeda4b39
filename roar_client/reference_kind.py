"""Options that say which kind of thing a reference is."""

from __future__ import annotations

from roar_proto.v1 import lineage_pb2

from roar_client.errors import USAGE, ClientError


def kind_of(command: str, *, job: bool, artifact: bool, session: bool, path: bool) -> lineage_pb2.RefKind.ValueType:
    """Returns the kind asked for; unspecified when none of the options is given. Raises ClientError usage for two."""
    asked = [
        (job, lineage_pb2.REF_KIND_JOB),
        (artifact, lineage_pb2.REF_KIND_ARTIFACT),
        (session, lineage_pb2.REF_KIND_SESSION),
        (path, lineage_pb2.REF_KIND_PATH),
    ]
    kinds = [kind for wanted, kind in asked if wanted]
    if len(kinds) > 1:
        fact = "a reference is of one kind: --job, --artifact, --session and --path exclude each other"
        raise ClientError("usage", fact, hint=f"see `roar {command} --help`", exit_code=USAGE)
    return kinds[0] if kinds else lineage_pb2.REF_KIND_UNSPECIFIED
