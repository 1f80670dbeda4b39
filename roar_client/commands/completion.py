"""`roar completion`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from roar_client.commands.options import examples, new_app

app = new_app()


class Shell(str, Enum):
    """A shell, as typed."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@app.command(
    epilog=examples(
        "source <(roar completion bash)    # in ~/.bashrc",
        "source <(roar completion zsh)     # in ~/.zshrc, behind compinit",
        "roar completion fish > ~/.config/fish/completions/roar.fish",
        "roar completion bash > ~/.local/share/bash-completion/completions/roar",
    )
)
def completion(shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")]) -> None:
    """Print what makes a shell complete the words of roar.

    Commands, options, settings and variables are completed, and references: steps, jobs and sessions, as the daemon
    knows them. None is started for that; without one there are no references. Behind `roar run`, the words of the
    command are completed as if it stood alone. The script asks `roar` itself, and outlives an upgrade.
    """
    import os

    from roar_client.output.text import say

    scripts = os.path.join(os.path.dirname(os.path.dirname(__file__)), "completion")
    with open(os.path.join(scripts, f"roar.{shell.value}"), encoding="utf-8") as file:
        say(file.read().rstrip("\n"))
