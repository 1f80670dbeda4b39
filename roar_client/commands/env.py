"""`roar env`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import Json, examples, new_app

app = new_app()
Name = Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits and `_`.")]


@app.callback(
    epilog=examples(
        "roar env set CUDA_VISIBLE_DEVICES 0",
        "roar env list",
        "roar env unset CUDA_VISIBLE_DEVICES",
    )
)
def env() -> None:
    """Look after the variables that every run and build gets.

    `roar run` and `roar build` put them into the environment of their command, and of nothing else. They win over what
    your shell has. They are in the table `[env]` of `.roar/config.toml`, in clear text.
    """


@app.command(
    "set",
    epilog=examples("roar env set OMP_NUM_THREADS 4", "roar env set CFLAGS -O2", "roar env set EMPTY ''"),
    context_settings={"ignore_unknown_options": True},
)
def set_(
    name: Name,
    value: Annotated[
        str | None, typer.Argument(metavar="VALUE", help="As it is to be; `$` in it is not expanded.")
    ] = None,
) -> None:
    """Give every later run a variable.

    An empty value is a value; `roar env unset` takes a variable away. Names that begin with `ROAR_` are roar's own, and
    are refused. `PATH` is also where the command itself is looked for.
    """
    from roar_proto.v1 import config_pb2

    from roar_client.connection import connect
    from roar_client.errors import USAGE, ClientError, as_text
    from roar_client.output.config import show_variable_set
    from roar_client.project import here

    if value is None:
        before, equals, after = name.partition("=")
        hint = f"write `roar env set {before} '{after}'`" if equals else f"for an empty one, `roar env set {name} ''`"
        raise ClientError("usage", "the value is missing", hint=hint, exit_code=USAGE)

    request = config_pb2.SetVariableRequest(project_root=here().root, name=as_text(name), value=as_text(value))
    with connect() as daemon:
        show_variable_set(name, daemon.call(daemon.config.SetVariable, request))


@app.command(epilog=examples("roar env get OMP_NUM_THREADS"))
def get(name: Name) -> None:
    """Print the value of one variable, also of one that looks secret."""
    from roar_proto.v1 import config_pb2

    from roar_client.connection import connect
    from roar_client.errors import as_text
    from roar_client.output.text import say
    from roar_client.project import here

    request = config_pb2.ListVariablesRequest(project_root=here().root, name=as_text(name))
    with connect() as daemon:
        response = daemon.call(daemon.config.ListVariables, request)
    say(response.variables[0].value)


@app.command("list", epilog=examples("roar env list", "roar env list --show", "roar env list --json"))
def list_(
    *,
    reveal: Annotated[bool, typer.Option("--show", help="Print values that look secret, too.")] = False,
    json: Json = False,
) -> None:
    """List the variables of this project; values that look secret are hidden."""
    from roar_proto.v1 import config_pb2

    from roar_client.connection import connect
    from roar_client.output.config import variables_document, variables_lines
    from roar_client.output.documents import print_document
    from roar_client.output.text import show
    from roar_client.project import here

    request = config_pb2.ListVariablesRequest(project_root=here().root)
    with connect() as daemon:
        response = daemon.call(daemon.config.ListVariables, request)
    if json:
        print_document("variables", variables_document(response, reveal=reveal))
    else:
        show(variables_lines(response, reveal=reveal))


@app.command(epilog=examples("roar env unset OMP_NUM_THREADS"))
def unset(name: Name) -> None:
    """Give later runs this variable no more."""
    from roar_proto.v1 import config_pb2

    from roar_client.connection import connect
    from roar_client.errors import as_text, shown
    from roar_client.output.text import say
    from roar_client.project import here

    request = config_pb2.UnsetVariableRequest(project_root=here().root, name=as_text(name))
    with connect() as daemon:
        response = daemon.call(daemon.config.UnsetVariable, request)
    say(f"{name} is not set any more, in {shown(response.path)}")
