"""`roar config`."""

from __future__ import annotations

from typing import Annotated

import typer

from roar_client.commands.options import Json, examples, new_app

app = new_app()
Key = Annotated[str, typer.Argument(metavar="KEY", help="A setting, as `output.quiet`.")]


@app.callback(
    epilog=examples(
        "roar config list",
        "roar config get tracer.default",
        "roar config set output.quiet true",
        "roar config unset output.quiet",
    )
)
def config() -> None:
    """Look at the settings of this project and change them.

    They are in `.roar/config.toml`, which you may edit as well: a change by these commands leaves everything else there
    as it is, comments included. What each setting does is in docs/config.md, and `roar config list` says it too.
    """


@app.command("list", epilog=examples("roar config list", "roar config list --json | jq '.settings[] | select(.line)'"))
def list_(*, json: Json = False) -> None:
    """List every setting: its value, where that comes from, its default.

    A mistake in the file is shown with its line and what to do about it; the exit status is 1 then.
    """
    from roar_proto.v1 import config_pb2

    from roar_client.connection import connect
    from roar_client.output.config import settings_document, settings_lines, show_problems
    from roar_client.output.documents import print_document
    from roar_client.output.text import show
    from roar_client.project import here

    request = config_pb2.GetSettingsRequest(project_root=here().root)
    with connect() as daemon:
        response = daemon.call(daemon.config.GetSettings, request)
    if json:
        print_document("settings", settings_document(response))
    else:
        show(settings_lines(response), crop=True)
    if response.problems:
        show_problems(response)
        raise typer.Exit(1)


@app.command(epilog=examples("roar config get tracer.default"))
def get(key: Key, *, json: Json = False) -> None:
    """Print the value of one setting, which may be its default."""
    from roar_proto.v1 import config_pb2

    from roar_client.connection import connect
    from roar_client.output.config import setting_document, word_of
    from roar_client.output.documents import print_document
    from roar_client.output.text import say
    from roar_client.project import here

    request = config_pb2.GetSettingsRequest(project_root=here().root, name=key)
    with connect() as daemon:
        response = daemon.call(daemon.config.GetSettings, request)
    if json:
        print_document("setting", setting_document(response.settings[0]))
    else:
        say(word_of(response.settings[0].value))


@app.command(
    "set",
    epilog=examples("roar config set tracer.default ptrace", "roar config set filters.ignore_cache false"),
    context_settings={"ignore_unknown_options": True},
)
def set_(
    key: Key,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="One of those that `roar config list` shows.")],
) -> None:
    """Change a setting. A value that is not allowed is refused, with those that are."""
    from roar_proto.v1 import config_pb2

    from roar_client.connection import connect
    from roar_client.errors import as_text
    from roar_client.output.config import show_set
    from roar_client.project import here

    request = config_pb2.SetSettingRequest(project_root=here().root, name=as_text(key), value=as_text(value))
    with connect() as daemon:
        show_set(daemon.call(daemon.config.SetSetting, request))


@app.command(epilog=examples("roar config unset tracer.default"))
def unset(key: Key) -> None:
    """Go back to the default of a setting, or take an unknown key out of the file."""
    from roar_proto.v1 import config_pb2

    from roar_client.connection import connect
    from roar_client.errors import as_text
    from roar_client.output.config import show_unset
    from roar_client.project import here

    request = config_pb2.UnsetSettingRequest(project_root=here().root, name=as_text(key))
    with connect() as daemon:
        show_unset(key, daemon.call(daemon.config.UnsetSetting, request))
