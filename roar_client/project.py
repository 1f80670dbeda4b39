"""Finds the project that a directory belongs to, by the same rule as the launcher (tracers/launcher/src/project.rs)."""

from __future__ import annotations

import os
from dataclasses import dataclass

from roar_client.errors import ClientError, shown


@dataclass(frozen=True)
class Project:
    """Where the caller is, and the project around it. Absolute and resolved."""

    root: bytes
    cwd: bytes


def here() -> Project:
    """Returns the project of the working directory. Raises ClientError no-project or unreadable-project."""
    cwd = working_directory()
    root = find_root(cwd, os.environb.get(b"HOME", b""))
    if root is None:
        raise ClientError(
            "no-project",
            "no roar project here or in a directory above",
            cause=f"searched: `{shown(cwd)}` and upwards",
            hint="go to a project, or make one: run `roar init` in the project's top directory",
        )
    return Project(root, cwd)


def absolute(project: Project, path: str) -> bytes:
    """Returns a path as typed, from where the caller is; not resolved."""
    return os.path.normpath(os.path.join(project.cwd, os.fsencode(path)))


def working_directory() -> bytes:
    """Returns the working directory, resolved. Raises ClientError no-project when it was removed."""
    try:
        return os.path.realpath(os.getcwdb())
    except FileNotFoundError as error:
        cause = os.strerror(error.errno or 0)
        raise ClientError("no-project", "the working directory cannot be found", cause=cause) from None


def find_root(cwd: bytes, home: bytes) -> bytes | None:
    """Returns the nearest directory upwards that holds a project; None: there is none.

    A `.roar` in the home directory counts only with a database: tools keep their own things there.
    """
    home = os.path.realpath(home) if home else b""
    directory = cwd
    while True:
        if _is_project(os.path.join(directory, b".roar"), at_home=directory == home):
            return directory
        above = os.path.dirname(directory)
        if above == directory:
            return None
        directory = above


def _is_project(roar_dir: bytes, *, at_home: bool) -> bool:
    return _exists(os.path.join(roar_dir, b"roar.db")) or (
        not at_home and _exists(os.path.join(roar_dir, b"config.toml"))
    )


def _exists(path: bytes) -> bool:
    """Returns whether a file is there and can be opened. Raises ClientError when it is there and cannot."""
    try:
        with open(path, "rb"):
            return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise ClientError(
            "unreadable-project",
            f"cannot read `{shown(path)}`",
            cause=error.strerror or "",
            hint="check owner and permissions of `.roar/` and of the directories above it",
        ) from None
