"""`roar label`."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from roar_client.commands.options import Json, examples, new_app

if TYPE_CHECKING:
    from roar_proto.v1 import labels_pb2

    from roar_client.project import Project

app = new_app()


class Entity(str, Enum):
    """What labels stand on, as typed."""

    DAG = "dag"
    JOB = "job"
    ARTIFACT = "artifact"


OnEntity: TypeAlias = Annotated[Entity, typer.Argument(metavar="ENTITY", help="`dag`, `job` or `artifact`.")]
OnTarget: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="TARGET",
        help="`current` or a session hash; @N, @BN, @-1 or a job id; a path or the hash of a file's content.",
    ),
]


@app.callback(
    epilog=examples(
        "roar label set job @2 lr=0.1 note='first try'",
        "roar label set artifact models/svc.bin quality.f1=0.97 approved=true",
        "roar label show dag current",
        "roar label history job @2",
        "roar label unset artifact models/svc.bin quality",
    )
)
def label() -> None:
    """Put keys and values on sessions, jobs and files.

    Dots nest: `quality.f1=0.97` is a label of the group `quality`. `true`, `false` and numbers have their own type,
    everything else is text; 007 is text, and so is what stands in double quotes: 'zip="10115"'. A label stands on one
    execution of a step, or on one content of a file; the next one begins without. Every version is kept.
    """


@app.command(name="set")
def set_labels(
    entity: OnEntity,
    target: OnTarget,
    labels: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="One or more labels.")],
    *,
    json: Json = False,
) -> None:
    """Add labels, or give them other values.

    All of them or none. What is not named stays as it is.
    """
    import os

    from roar_proto.v1 import labels_pb2

    from roar_client.connection import connect
    from roar_client.output.labels import show_change
    from roar_client.project import here

    project = here()
    request = labels_pb2.SetLabelsRequest(
        project_root=project.root, target=_target(project, entity, target), assignments=map(os.fsencode, labels)
    )
    with connect() as daemon:
        answer: labels_pb2.SetLabelsResponse = daemon.call(daemon.labels.SetLabels, request)
    show_change(answer.labelled, answer.current, changed=answer.changed, json=json)


@app.command()
def unset(
    entity: OnEntity,
    target: OnTarget,
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="One or more labels, or groups of them.")],
    *,
    json: Json = False,
) -> None:
    """Remove labels, or whole groups of them.

    All of them or none. `roar label history` still has them.
    """
    import os

    from roar_proto.v1 import labels_pb2

    from roar_client.connection import connect
    from roar_client.output.labels import show_change
    from roar_client.project import here

    project = here()
    request = labels_pb2.UnsetLabelsRequest(
        project_root=project.root, target=_target(project, entity, target), keys=map(os.fsencode, keys)
    )
    with connect() as daemon:
        answer: labels_pb2.UnsetLabelsResponse = daemon.call(daemon.labels.UnsetLabels, request)
    show_change(answer.labelled, answer.current, changed=True, json=json)


@app.command()
def cp(
    source_entity: Annotated[Entity, typer.Argument(metavar="FROM_ENTITY", help="`dag`, `job` or `artifact`.")],
    source: Annotated[str, typer.Argument(metavar="FROM", help="What to copy from, as TARGET.")],
    entity: OnEntity,
    target: OnTarget,
    *,
    json: Json = False,
) -> None:
    """Copy the labels of one thing to another.

    They win over labels of the same key; others stay.
    """
    from roar_proto.v1 import labels_pb2

    from roar_client.connection import connect
    from roar_client.output.labels import show_change
    from roar_client.project import here

    project = here()
    request = labels_pb2.CopyLabelsRequest(
        project_root=project.root,
        source=_target(project, source_entity, source),
        target=_target(project, entity, target),
    )
    with connect() as daemon:
        answer: labels_pb2.CopyLabelsResponse = daemon.call(daemon.labels.CopyLabels, request)
    show_change(answer.labelled, answer.current, changed=answer.changed, json=json)


@app.command()
def show(entity: OnEntity, target: OnTarget, *, json: Json = False) -> None:
    """Show the labels of something.

    One `key=value` a line.
    """
    from roar_client.output.labels import show_current
    from roar_client.project import here

    project = here()
    show_current(_get(project, entity, target), json=json)


@app.command()
def history(entity: OnEntity, target: OnTarget, *, json: Json = False) -> None:
    """Show every version of the labels of something.

    The newest comes first.
    """
    from roar_client.output.labels import show_history
    from roar_client.project import here

    project = here()
    show_history(_get(project, entity, target), json=json)


def _get(project: Project, entity: Entity, target: str) -> labels_pb2.GetLabelsResponse:
    from roar_proto.v1 import labels_pb2

    from roar_client.connection import connect

    request = labels_pb2.GetLabelsRequest(project_root=project.root, target=_target(project, entity, target))
    with connect() as daemon:
        answer: labels_pb2.GetLabelsResponse = daemon.call(daemon.labels.GetLabels, request)
    return answer


def _target(project: Project, entity: Entity, target: str) -> labels_pb2.LabelTarget:
    import os

    from roar_proto.v1 import labels_pb2

    value = labels_pb2.LabelEntity.Value(f"LABEL_ENTITY_{entity.name}")
    return labels_pb2.LabelTarget(entity=value, ref=os.fsencode(target), cwd=project.cwd)
