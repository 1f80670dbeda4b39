"""Reads `.roar/config.toml`: what stands there and where, and every mistake in it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from roard.config import BY_NAME, VARIABLES, FilterSettings, Settings, alike, config_path, known_keys, toml_text
from roard.errors import ConfigError
from roard.variables import problem_of_name, problem_of_value

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Given:
    """A setting as it stands in the file, allowed or not."""

    value: Any
    line: int | None


@dataclass(frozen=True)
class Mistake:
    """Something in the file that cannot be obeyed."""

    line: int | None
    name: str
    problem: str
    hint: str


@dataclass(frozen=True)
class ConfigFile:
    """What a file says; no file says nothing."""

    path: bytes
    text: str = ""
    settings: Mapping[str, Given] = field(default_factory=dict)
    """By key; known ones only."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Valid ones only, in the order of the file."""
    mistakes: Sequence[Mistake] = ()
    """In the order of the file."""


def load_settings(root: bytes) -> Settings:
    """Returns the settings of the project at `root`; no file means all defaults. Raises ConfigError."""
    config = read_config(root)
    refuse_mistakes(config)
    values: dict[str, Any] = {name: BY_NAME[name].understood(given.value) for name, given in config.settings.items()}
    filters = {name.partition(".")[2]: value for name, value in values.items() if name.startswith("filters.")}
    known = {item.name for item in fields(Settings)}
    named = {name.replace(".", "_"): value for name, value in values.items()}
    rest = {name: value for name, value in named.items() if name in known}
    return Settings(filters=replace(FilterSettings(), **filters), **rest)


def refuse_mistakes(config: ConfigFile, table: str = "") -> None:
    """Raises ConfigError for the first mistake of a file, or of one table of it."""
    for mistake in config.mistakes:
        if not table or mistake.name.partition(".")[0] == table:
            raise ConfigError(config.path, mistake.line, mistake.problem, mistake.hint)


def read_config(root: bytes) -> ConfigFile:
    """Returns what the file of the project at `root` says, mistakes included. Raises ConfigError when it is no TOML."""
    path = config_path(root)
    try:
        with open(path, "rb") as file:
            text = file.read().decode()
    except FileNotFoundError:
        return ConfigFile(path)
    except UnicodeDecodeError as error:
        raise ConfigError(path, None, "not valid TOML: it is not UTF-8") from error
    except OSError as error:
        raise ConfigError(path, None, f"cannot be read: {error.strerror}", "check its permissions") from error
    return _understood(path, text, parse(path, text))


def parse(path: bytes, text: str) -> dict[str, Any]:
    """Returns the tables of a text. Raises ConfigError with the line when it is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"\(at line (\d+),", str(error))
        raise ConfigError(path, int(line.group(1)) if line else None, f"not valid TOML: {error}") from error


def _understood(path: bytes, text: str, tables: Mapping[str, Any]) -> ConfigFile:
    settings: dict[str, Given] = {}
    variables: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for head, table in tables.items():
        if not isinstance(table, dict):
            mistakes.append(_unknown(line_of(text, head, ""), head))
            continue
        for name, value in table.items():
            key, line = f"{head}.{name}", line_of(text, name, head)
            if head == VARIABLES:
                mistake = _mistake_of_variable(line, name, value)
                variables |= {} if mistake else {name: value}
            else:
                mistake = _mistake_of_setting(line, key, value)
                settings |= {key: Given(value, line)} if key in BY_NAME else {}
            mistakes += [mistake] if mistake else []
    return ConfigFile(path, text, settings, variables, mistakes)


def _mistake_of_setting(line: int | None, name: str, value: object) -> Mistake | None:
    key = BY_NAME.get(name)
    if key is None:
        return _unknown(line, name)
    if key.understood(value) is not None:
        return None
    return Mistake(line, name, f"`{name}` cannot be {toml_text(value)}", f"allowed: {key.in_words(toml_text)}")


def _mistake_of_variable(line: int | None, name: str, value: object) -> Mistake | None:
    if problem := problem_of_name(name):
        return Mistake(line, f"{VARIABLES}.{name}", problem.fact, problem.hint)
    if not isinstance(value, str):
        about = f"variable `{name}` is no text"
        return Mistake(line, f"{VARIABLES}.{name}", about, f'write it in quotes: {name} = "{toml_text(value)}"')
    if problem := problem_of_value(name, value):
        return Mistake(line, f"{VARIABLES}.{name}", problem.fact, problem.hint)
    return None


def _unknown(line: int | None, name: str) -> Mistake:
    meant = alike(name)
    return Mistake(line, name, f"unknown key `{name}`", f"{meant}`roar config list` has all" if meant else known_keys())


def line_of(text: str, name: str, table: str) -> int | None:
    """Returns the line where a key stands, from 1, as far as a look at the text can tell: for messages."""
    inside = table == ""
    plain = re.compile(rf"""\s*(\[+\s*)?["']?{re.escape(name)}["']?\s*[\].=]""")
    dotted = re.compile(rf"""\s*{re.escape(table)}\s*\.\s*["']?{re.escape(name)}["']?\s*=""") if table else plain
    for number, line in enumerate(text.splitlines(), 1):
        if dotted.match(line) or (inside and plain.match(line)):
            return number
        head = re.match(r"\s*\[\s*([^\]]+?)\s*\]", line)
        if head:
            inside = head.group(1) == table
    return None
