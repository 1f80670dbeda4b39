"""Settings of a project: the keys of `.roar/config.toml`, their defaults, and the file that `roar init` writes.

`python -m roard.config` prints docs/config.md.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field, fields, replace
from typing import Any

from roard.byte_size import parse_size
from roard.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


TRACERS = ("auto", "ebpf", "preload", "ptrace")
"""The best one first, after the word for it."""


@dataclass(frozen=True)
class FilterSettings:
    """What is left out of inputs and outputs; applies to files outside the project only."""

    ignore_package_reads: bool = True
    ignore_system_reads: bool = True
    ignore_cache: bool = True
    ignore_torch_cache: bool = True
    ignore_tmp_files: bool = True


@dataclass(frozen=True)
class Settings:
    """Values of config.toml, defaults filled in."""

    tracer_default: str = "auto"
    tracer_fallback: bool = True
    output_quiet: bool = False
    cache_enabled: bool = False
    cache_max_size: int = 10 << 30
    """Bytes."""
    filters: FilterSettings = field(default_factory=FilterSettings)


@dataclass(frozen=True)
class Key:
    """A key of config.toml."""

    name: str
    about: str
    default: bool | str
    allowed: tuple[str, ...] = ()
    """Words that a string may be; empty for a boolean, and for a size."""

    @property
    def is_size(self) -> bool:
        """Returns whether it is a number of bytes."""
        return isinstance(self.default, str) and not self.allowed


KEYS = (
    Key(
        "tracer.default",
        "backend of `roar run` and `roar build`; auto is the best one that works here",
        "auto",
        TRACERS,
    ),
    Key("tracer.fallback", "when that backend does not work here, take the next best one instead of refusing", True),
    Key("output.quiet", "no summary after a run", False),
    Key("cache.enabled", "`--cached` for every `roar run`: restore outputs that a run would only make again", False),
    Key(
        "cache.max_size", "of the outputs kept for that in `.roar/objects/`; the least recently used go first", "10 GiB"
    ),
    Key("filters.ignore_package_reads", "leave out site-packages, interpreters, node_modules, cargo, ...", True),
    Key("filters.ignore_system_reads", "leave out /usr, /lib, /etc, /proc, dotfiles of tools, ...", True),
    Key("filters.ignore_cache", "leave out ~/.cache, *.pyc, font caches, ...", True),
    Key("filters.ignore_torch_cache", "leave out caches of the compilers of torch and triton", True),
    Key("filters.ignore_tmp_files", "leave out /tmp, /var/tmp, $TMPDIR, /dev/shm", True),
)
_BY_NAME = {key.name: key for key in KEYS}


def template() -> str:
    """Returns the config.toml of a new project: every key with its default, commented out."""
    lines = ["# Settings of roar for this project; a line that starts with # shows the default.\n"]
    table = ""
    for key in KEYS:
        head, _, name = key.name.partition(".")
        if head != table:
            table = head
            lines.append(f"\n[{head}]\n")
        lines.append(f"# {key.about}\n# {name} = {_toml(key.default)}\n")
    return "".join(lines)


def render_page() -> str:
    """Returns docs/config.md."""
    head = (
        "# Settings\n\n"
        "They stand in `.roar/config.toml` of a project, which `roar init` writes with every key and its default. The\n"
        "file is read anew for every run; an unknown key or a value that is not allowed is refused with its line. The\n"
        "filters apply outside the project only: inside, nothing is hidden. Written by `python -m roard.config`.\n\n"
        "| key | default | allowed | what it does |\n|---|---|---|---|\n"
    )
    rows = (f"| `{key.name}` | `{_toml(key.default)}` | {_allowed(key)} | {key.about} |\n" for key in KEYS)
    return head + "".join(rows)


def _allowed(key: Key) -> str:
    if key.is_size:
        return 'a size: `"500 MB"`, `"1.5 TiB"`, `"0"`'
    return " ".join(f"`{_toml(word)}`" for word in key.allowed) or "`true` `false`"


def config_path(root: bytes) -> bytes:
    """Returns the settings file of the project at `root`."""
    return os.path.join(root, b".roar", b"config.toml")


def load_settings(root: bytes) -> Settings:
    """Returns the settings of the project at `root`; no file means all defaults. Raises ConfigError."""
    path = config_path(root)
    try:
        with open(path, "rb") as file:
            text = file.read().decode()
        values = tomllib.loads(text)
    except FileNotFoundError:
        return Settings()
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"\(at line (\d+),", str(error))
        raise ConfigError(path, int(line.group(1)) if line else None, f"not valid TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(path, None, "not valid TOML: it is not UTF-8") from error
    except OSError as error:
        raise ConfigError(path, None, f"cannot be read: {error.strerror}", "check its permissions") from error
    return _settings(path, text, values)


def _settings(path: bytes, text: str, values: dict[str, Any]) -> Settings:
    given: dict[str, Any] = {}
    for head, table in values.items():
        if not isinstance(table, dict):
            raise ConfigError(path, _line_of(text, head, ""), f"unknown key `{head}`", _known_keys())
        for name, value in table.items():
            given[f"{head}.{name}"] = _checked(path, _line_of(text, name, head), f"{head}.{name}", value)
    filters = replace(FilterSettings(), **_of_table(given, "filters"))
    named = {name.replace(".", "_"): value for name, value in given.items() if not name.startswith("filters.")}
    known = {item.name for item in fields(Settings)}
    return Settings(filters=filters, **{name: value for name, value in named.items() if name in known})


def _of_table(given: dict[str, Any], table: str) -> dict[str, Any]:
    return {name.partition(".")[2]: value for name, value in given.items() if name.startswith(f"{table}.")}


def _checked(path: bytes, line: int | None, name: str, value: object) -> bool | str | int:
    key = _BY_NAME.get(name)
    if key is None:
        raise ConfigError(path, line, f"unknown key `{name}`", _known_keys())
    if isinstance(key.default, bool):
        if isinstance(value, bool):
            return value
        raise ConfigError(path, line, f"`{name}` cannot be {_toml(value)}", "allowed: true, false")
    if key.is_size:
        size = parse_size(value) if isinstance(value, str) else None
        if size is not None:
            return size
        raise ConfigError(path, line, f"`{name}` cannot be {_toml(value)}", 'allowed: a size, as "10 GiB"')
    if isinstance(value, str) and value in key.allowed:
        return value
    allowed = ", ".join(_toml(word) for word in key.allowed)
    raise ConfigError(path, line, f"`{name}` cannot be {_toml(value)}", f"allowed: {allowed}")


def _known_keys() -> str:
    return "known keys: " + ", ".join(key.name for key in KEYS)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


def _line_of(text: str, name: str, table: str) -> int | None:
    """Returns the line where a key stands, as far as a look at the text can tell: for the message only."""
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


if __name__ == "__main__":
    sys.stdout.write(render_page())
