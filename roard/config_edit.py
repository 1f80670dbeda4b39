"""Changes a value in `.roar/config.toml` and leaves everything else in the file as the user wrote it."""

from __future__ import annotations

import os
import re

from roard.config import KEYS, Key, config_path, load_settings, template
from roard.errors import ConfigError, ProjectNotWritable


def set_value(root: bytes, name: str, value: str) -> bytes:
    """Sets a key that holds a word, and returns the path of the file.

    The line in which the template shows the default is put in force; without it the key is added to its table.
    Raises ConfigError for a value that is not allowed or a file that is not valid, ProjectNotWritable.
    """
    path = config_path(root)
    key = next(key for key in KEYS if key.name == name)
    if value not in key.allowed:
        raise ConfigError(path, None, f"`{name}` cannot be `{value}`", f"allowed: {', '.join(key.allowed)}")
    load_settings(root)
    try:
        _write(path, _changed(_read(path), key, value))
    except OSError as error:
        raise ProjectNotWritable(path, error.strerror or str(error)) from error
    return path


def _changed(text: str, key: Key, value: str) -> str:
    import tomlkit

    table, _, name = key.name.partition(".")
    document = tomlkit.parse(text)
    if table in document and name in document[table]:
        document[table][name] = value
        return tomlkit.dumps(document)
    shown = re.compile(rf"(^\[{table}\]\n(?:(?!\[).*\n)*?)# {name} = .*$", re.MULTILINE)
    if shown.search(text):
        return shown.sub(lambda match: f'{match[1]}{name} = "{value}"', text, count=1)
    document.setdefault(table, tomlkit.table())[name] = value
    return tomlkit.dumps(document)


def _read(path: bytes) -> str:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return template()


def _write(path: bytes, text: str) -> None:
    """Replaces the file in one step: whoever reads it sees the old or the new one. A link stays a link."""
    path = os.path.realpath(path)
    temporary = b"%s.%d" % (path, os.getpid())
    with open(temporary, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    if os.path.exists(path):
        os.chmod(temporary, os.stat(path).st_mode & 0o7777)
    os.rename(temporary, path)
