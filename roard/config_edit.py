"""Changes one thing in `.roar/config.toml` and leaves everything else in the file as the user wrote it."""

from __future__ import annotations

import copy
import os
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from roard.byte_size import parse_size
from roard.config import BY_NAME, VARIABLES, Key, alike, template, toml_text
from roard.config_file import ConfigFile, line_of, parse, read_config
from roard.errors import BadValue, BadVariable, ConfigError, NoVariable, ProjectNotWritable, UnknownKey
from roard.replace_file import replace_file
from roard.variables import problem_of_name, problem_of_value

_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class _Change:
    """One thing that is to be different."""

    table: str
    name: str
    """Empty: what is meant is no table, but a mistake on the top level."""
    value: bool | str | list[str] | None
    """None: it is to be gone."""


def set_value(root: bytes, name: str, value: str) -> bytes:
    """Sets a key to a value as typed, and returns the path of the file.

    The line in which the template shows the default is put in force; without it the key is added to its table. Other
    mistakes in the file stay. Raises UnknownKey, BadValue, ConfigError for a file that is no TOML, ProjectNotWritable.
    """
    key = key_of(name)
    wanted = _value_of(key, value)
    table, _, word = name.partition(".")
    return _make(root, _Change(table, word, wanted))


def unset_value(root: bytes, name: str) -> bool:
    """Takes a key out of the file, a known one or a mistake; returns whether it was there.

    Raises UnknownKey for one that is neither, ConfigError for a file that is no TOML, ProjectNotWritable.
    """
    config = read_config(root)
    table, _, word = name.partition(".")
    if not _is_there(parse(config.path, config.text), table, word):
        key_of(name)
        return False
    _make(root, _Change(table, word, None))
    return True


def _is_there(tables: Mapping[str, Any], table: str, name: str) -> bool:
    """Returns whether a file has a key that is for `roar config`: no whole table, and no variable."""
    content = tables.get(table)
    if isinstance(content, dict):
        return name in content and table != VARIABLES
    return content is not None and not name


def set_variable(root: bytes, name: str, value: str) -> bytes:
    """Sets a variable of all runs, and returns the path of the file.

    Raises BadVariable, ConfigError for a file that is no TOML, ProjectNotWritable.
    """
    if problem := problem_of_name(name) or problem_of_value(name, value):
        raise BadVariable(problem.fact, hint=problem.hint)
    return _make(root, _Change(VARIABLES, name, value))


def unset_variable(root: bytes, name: str) -> bytes:
    """Takes a variable out of the file, and returns its path. Raises NoVariable and as set_variable."""
    config = read_config(root)
    table = parse(config.path, config.text).get(VARIABLES, {})
    if not isinstance(table, dict) or name not in table:
        raise NoVariable(name, tuple(config.variables))
    return _make(root, _Change(VARIABLES, name, None))


def key_of(name: str) -> Key:
    """Returns a key by its name. Raises UnknownKey."""
    if name not in BY_NAME:
        raise UnknownKey(name, alike(name))
    return BY_NAME[name]


def _value_of(key: Key, typed: str) -> bool | str | list[str]:
    if key.is_list:
        return [str(_word_of(key, word)) for word in re.split(r"[\s,]+", typed.strip(" \t[],")) if word]
    return _word_of(key, typed)


def _word_of(key: Key, typed: str) -> bool | str:
    word = re.sub(r"\A\s*([\"']?)(.*)\1\s*\Z", r"\2", typed, flags=re.DOTALL)
    for value in key.allowed:
        if word == _typed(value):
            return value
    if key.is_size and parse_size(word) is not None:
        return word
    raise BadValue(key.name, typed, key.in_words(_typed))


def _typed(value: object) -> str:
    """Returns a value as one types it: a word without its quotes."""
    return value if isinstance(value, str) else toml_text(value)


def _make(root: bytes, change: _Change) -> bytes:
    """Writes a change, and returns the path; the rest of the file keeps its text, and in any case its meaning."""
    with _one_at_a_time:
        config = read_config(root)
        text = config.text if os.path.exists(config.path) else template()
        expected = _expected(parse(config.path, text), change)
        for changed in _ways(text, change):
            if _means(config, changed, expected):
                _write(config.path, changed)
                return config.path
    where = line_of(text, change.name, change.table)
    fact = f"`{change.table}.{change.name}` cannot be changed without changing something else"
    raise ConfigError(config.path, where, fact, "edit the file by hand")


def _expected(tables: dict[str, Any], change: _Change) -> dict[str, Any]:
    """Returns what the file should say afterwards; tables with nothing in them say nothing."""
    tables = copy.deepcopy(tables)
    if change.value is not None:
        tables.setdefault(change.table, {})[change.name] = change.value
    elif change.name:
        del tables[change.table][change.name]
    else:
        del tables[change.table]
    return {head: content for head, content in tables.items() if content != {}}


def _means(config: ConfigFile, text: str, expected: dict[str, Any]) -> bool:
    try:
        tables = parse(config.path, text)
    except ConfigError:
        return False
    return {head: content for head, content in tables.items() if content != {}} == expected


def _ways(text: str, change: _Change) -> Iterable[str]:
    """Yields texts with the change, the one that looks best first; not all of them need mean what is wanted."""
    if change.value is None:
        yield from _line_taken_out(text, change)
    elif line_of(text, change.name, change.table) is None:
        shown = re.compile(rf"(^\[{change.table}\]\r?\n(?:(?!\[).*\n)*?)# {change.name} = [^\r\n]*", re.MULTILINE)
        yield shown.sub(lambda match: f"{match[1]}{change.name} = {toml_text(change.value)}", text, count=1)
    yield _by_tomlkit(text, change)


def _line_taken_out(text: str, change: _Change) -> Iterable[str]:
    """Yields the text without the line of a key. A setting of roar's leaves its default there, a comment itself."""
    number = line_of(text, change.name or change.table, change.table if change.name else "")
    if number is None:
        return
    lines = text.splitlines(keepends=True)
    line = lines[number - 1]
    body = line.rstrip("\r\n")
    left = _comment_of(body)
    if key := BY_NAME.get(f"{change.table}.{change.name}"):
        default = f"# {body.partition('=')[0].strip()} = {toml_text(key.default)}"
        left = f"{default}  {left}" if left else default
    lines[number - 1] = left + line[len(body) :] if left else ""
    yield "".join(lines)


def _comment_of(line: str) -> str:
    """Returns the comment behind a value, with its `#`; one in quotes is none."""
    for match in re.finditer("#", line):
        try:
            parse(b"", line[: match.start()])
        except ConfigError:
            continue
        return line[match.start() :]
    return ""


def _by_tomlkit(text: str, change: _Change) -> str:
    import tomlkit

    document: Any = tomlkit.parse(text)
    if change.value is None:
        (document[change.table] if change.name else document).remove(change.name or change.table)
    else:
        if change.table not in document:
            document[change.table] = tomlkit.table()
        document[change.table][change.name] = change.value
    return tomlkit.dumps(document)


def _write(path: bytes, text: str) -> None:
    try:
        replace_file(path, text.encode())
    except OSError as error:
        raise ProjectNotWritable(path, error.strerror or str(error)) from error
