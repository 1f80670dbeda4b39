"""Keeps `.roar/` out of git, if the user wants that."""

from __future__ import annotations

import os
import subprocess

from roar_client.errors import ClientError, shown
from roar_client.output.text import ask, can_ask, note, say

ENTRY = b".roar/"


def offer(root: bytes, *, answer: bool | None) -> None:
    """Adds `.roar/` to the `.gitignore` of the project when git does not ignore it yet; answer None: asks.

    Outside of a git work tree there is nothing to do.
    """
    if not _git_would_see(root):
        return
    if answer is None and can_ask():
        answer = ask("add `.roar/` to .gitignore?")
    if answer:
        _add(os.path.join(root, b".gitignore"))
        say("added `.roar/` to .gitignore")
    else:
        note(
            "hint: git sees `.roar/`: add it to `.gitignore` (`roar init -y`), or to `.git/info/exclude` for you alone"
        )


def _git_would_see(root: bytes) -> bool:
    """Returns whether `.roar/` is in a git work tree and by no rule ignored; git itself knows all its ignore files."""
    command = [b"git", b"-C", root, b"check-ignore", b"--quiet", b".roar/roar.db"]
    try:
        done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True)
    except FileNotFoundError:
        return False
    # 0: ignored; 1: not; 128: no repository, or not one that this user may look at.
    return done.returncode == 1


def _add(path: bytes) -> None:
    try:
        with open(path, "ab+") as file:
            file.seek(0)
            content = file.read()
            file.write((b"\n" if content and not content.endswith(b"\n") else b"") + ENTRY + b"\n")
    except OSError as error:
        raise ClientError(
            "gitignore-not-written", f"cannot write `{shown(path)}`", cause=error.strerror or ""
        ) from None
