"""Keeps `.roar/` out of git, if the user wants that."""

from __future__ import annotations

import os
import subprocess

from roar_client.errors import ClientError, shown
from roar_client.output.text import ask, can_ask, note, say

ENTRY = b".roar/"


def offer(root: bytes, *, answer: bool | None) -> None:
    """Adds `.roar/` to the `.gitignore` of the project when git does not ignore it yet; answer None: asks.

    Outside of a git work tree there is nothing to do. Rules do nothing about files that git tracks already, as in a
    clone of a project whose database somebody committed: then it says how to end that.
    """
    if _git(root, b"ls-files", b"--error-unmatch", b".roar/roar.db") == 0:
        note("hint: git tracks `.roar/`, and each commit would hold the database: `git rm -r --cached .roar` ends that")
    # 0: ignored; 1: not; 128: no repository, or not one that this user may look at.
    if _git(root, b"check-ignore", b"--quiet", b"--no-index", b".roar/roar.db") != 1:
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


def _git(root: bytes, *words: bytes) -> int:
    """Returns the exit status of a git command in the project; 128 also without git. Git knows all its ignore files."""
    command = [b"git", b"-C", root, *words]
    try:
        return subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True).returncode
    except FileNotFoundError:
        return 128


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
