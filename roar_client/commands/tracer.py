"""`roar tracer`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from roar_client.commands.options import Json, examples, new_app

app = new_app()


class Backend(str, Enum):
    """A backend, as typed."""

    EBPF = "ebpf"
    PRELOAD = "preload"
    PTRACE = "ptrace"


class Default(str, Enum):
    """What `tracer.default` may be, as typed."""

    AUTO = "auto"
    EBPF = "ebpf"
    PRELOAD = "preload"
    PTRACE = "ptrace"


@app.callback(
    epilog=examples(
        "roar tracer status", "roar tracer check", "roar tracer set-default ptrace", "roar tracer setup ebpf"
    )
)
def tracer() -> None:
    """Look after the backends that watch commands.

    ebpf watches from inside the kernel, preload from inside the programs, ptrace stops them for a look. All record the
    same; they differ in cost and in what a machine allows. Whether one works is found out by tracing a real program.
    """


@app.command()
def status(*, json: Json = False) -> None:
    """Show which backends work here, and which is used.

    Says for each why not and how to mend it, and what it cannot see by its nature. Inside of a project its
    `tracer.default` and `tracer.fallback` count, elsewhere their defaults.
    """
    import os

    from roar_proto.v1 import tracers_pb2

    from roar_client.connection import connect
    from roar_client.output.documents import print_document, tracers_document
    from roar_client.output.text import show
    from roar_client.output.tracers import status_lines
    from roar_client.project import find_root, working_directory

    root = find_root(working_directory(), os.environb.get(b"HOME", b""))
    with connect() as daemon:
        request = tracers_pb2.GetTracersRequest(project_root=root or b"")
        response = daemon.call(daemon.tracers.GetTracers, request)
    if json:
        print_document("tracers", tracers_document(response))
    else:
        show(status_lines(response))


@app.command(epilog=examples("roar tracer check", "roar tracer check ebpf && echo works"))
def check(
    backend: Annotated[
        Backend | None, typer.Argument(metavar="[BACKEND]", help="ebpf, preload or ptrace; without it, all.")
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Trace a real program with a backend, now.

    Later runs are planned by the outcome. Exits with 1 when the one that is named does not work, or none does.
    """
    from roar_client.connection import connect
    from roar_client.output.documents import print_document, tracer_check_document
    from roar_client.output.text import show
    from roar_client.output.tracers import tracer_lines
    from roar_client.tracers import check_tracers

    with connect() as daemon:
        checked = check_tracers(daemon, backend.value if backend else "")
    if json:
        print_document("tracer-check", tracer_check_document(checked))
    else:
        show(tracer_lines(checked))
    if not any(tracer.usable for tracer in checked):
        raise typer.Exit(1)


@app.command("set-default", epilog=examples("roar tracer set-default ptrace", "roar tracer set-default auto"))
def set_default(
    backend: Annotated[Default, typer.Argument(metavar="BACKEND", help="auto, ebpf, preload or ptrace.")],
) -> None:
    """Choose the backend of this project.

    Writes `tracer.default` into `.roar/config.toml`, and leaves everything else there as it is.
    """
    from roar_proto.v1 import tracers_pb2

    from roar_client.connection import connect
    from roar_client.output.tracers import show_default
    from roar_client.project import here

    project = here()
    request = tracers_pb2.SetDefaultTracerRequest(project_root=project.root, name=backend.value)
    with connect() as daemon:
        show_default(backend.value, daemon.call(daemon.tracers.SetDefaultTracer, request))


@app.command(epilog=examples("roar tracer setup ebpf", "roar tracer setup ebpf --remove"))
def setup(
    backend: Annotated[Backend, typer.Argument(metavar="BACKEND", help="ebpf; the others need nothing.")],
    *,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Run sudo without asking.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take the rights away again.")] = False,
) -> None:
    """Give a backend the rights that it needs.

    ebpf loads programs into the kernel, which root may. For everybody else, the program `roar-collector` gets the
    capabilities CAP_BPF and CAP_PERFMON, once, by `sudo setcap`, which is shown before it is run and never run without
    consent. Whoever may execute that file can then watch their own processes with it, and nobody else's. Installing
    roar anew takes the capabilities away; `--remove` does too. Then the backend is checked.
    """
    from roar_client.connection import connect
    from roar_client.output.text import show
    from roar_client.output.tracers import tracer_lines
    from roar_client.tracer_setup import give_rights, take_rights
    from roar_client.tracers import check_tracers

    if backend is Backend.EBPF and remove:
        take_rights(yes=yes)
    elif backend is Backend.EBPF:
        give_rights(yes=yes)
    with connect() as daemon:
        checked = check_tracers(daemon, backend.value)
    show(tracer_lines(checked))
    if not checked[0].usable and not remove:
        raise typer.Exit(1)
