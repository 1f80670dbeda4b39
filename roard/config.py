"""Settings of a project: the keys of `.roar/config.toml`, their defaults, and the file that `roar init` writes.

`python -m roard.config` prints docs/config.md.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches

from roard.byte_size import parse_size

TRACERS = ("auto", "ebpf", "preload", "ptrace")
"""The best one first, after the word for it."""
ALWAYS = "blake3"
"""The algorithm that names every content."""
ALGORITHMS = (ALWAYS, "sha256", "sha512", "md5")

Value = bool | str | int | tuple[str, ...]
"""Of a setting; a number of bytes for a size, a tuple for a list of words."""


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
    output_track_repo_files: bool = False
    hash_algorithms: tuple[str, ...] = ()
    """Beside ALWAYS."""
    cache_enabled: bool = False
    cache_max_size: int = 10 << 30
    """Bytes."""
    filters: FilterSettings = field(default_factory=FilterSettings)


@dataclass(frozen=True)
class Key:
    """A key of config.toml."""

    name: str
    about: str
    default: bool | str | tuple[str, ...]
    """As it stands in the file."""
    words: tuple[str, ...] = ()
    """What a string may be, or a list may hold; empty for a boolean, and for a size."""

    @property
    def is_list(self) -> bool:
        """Returns whether it holds any number of its words."""
        return isinstance(self.default, tuple)

    @property
    def is_size(self) -> bool:
        """Returns whether it is a number of bytes."""
        return isinstance(self.default, str) and not self.words

    @property
    def allowed(self) -> tuple[bool | str, ...]:
        """All values that it may have, or hold; none for a size."""
        return () if self.is_size else self.words or (True, False)

    def in_words(self, write: Callable[[object], str]) -> str:
        """Returns what is allowed, as a sentence has it; write: how a value is written there."""
        if self.is_size:
            return f"a size, as {write('500 MB')} or {write(self.default)}"
        return ("a list of " if self.is_list else "") + ", ".join(map(write, self.allowed))

    def understood(self, given: object) -> Value | None:
        """Returns the setting that a value of the file makes; None: that is not allowed."""
        if self.is_list:
            if isinstance(given, list) and all(word in self.words for word in given):
                return tuple(dict.fromkeys(word for word in given if word != ALWAYS))
            return None
        if self.is_size:
            return parse_size(given) if isinstance(given, str) else None
        # True is no 1 here, as it is to `in`.
        return next((value for value in self.allowed if value == given and type(value) is type(given)), None)


KEYS = (
    Key(
        "tracer.default",
        "backend of `roar run` and `roar build`; auto is the best one that works here",
        "auto",
        TRACERS,
    ),
    Key("tracer.fallback", "when that backend does not work here, take the next best one instead of refusing", True),
    Key("output.quiet", "no summary after a run", False),
    Key("output.track_repo_files", "`roar show` lists the code that a job read among its inputs, too", False),
    Key(
        "hash.algorithms",
        "hashes of every recorded content beside BLAKE3, which is always there; `--hash` adds to them",
        (),
        ALGORITHMS,
    ),
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
BY_NAME = {key.name: key for key in KEYS}
VARIABLES = "env"
"""The table of config.toml that is no setting: variables of every run."""


def template() -> str:
    """Returns the config.toml of a new project: every key with its default, commented out."""
    lines = ["# Settings of roar for this project; a line that starts with # shows the default.\n"]
    table = ""
    for key in KEYS:
        head, _, name = key.name.partition(".")
        if head != table:
            table = head
            lines.append(f"\n[{head}]\n")
        lines.append(f"# {key.about}\n# {name} = {toml_text(key.default)}\n")
    lines.append(f"\n[{VARIABLES}]\n# variables of every run and build; `roar env set NAME VALUE` puts them here\n")
    return "".join(lines)


def render_page() -> str:
    """Returns docs/config.md."""
    head = (
        "# Settings\n\n"
        "They stand in `.roar/config.toml` of a project, which `roar init` writes with every key and its default.\n"
        "Edit it, or use `roar config list|get|set|unset`, which leave your comments alone. It is read anew for every\n"
        "run. An unknown key or a value that is not allowed is refused with its line; `roar config set` and `unset`\n"
        "mend it. The filters apply outside the project only: inside, nothing is hidden. Written by\n"
        "`python -m roard.config`.\n\n"
        "| key | default | allowed | what it does |\n|---|---|---|---|\n"
    )
    rows = (
        f"| `{key.name}` | `{toml_text(key.default)}` | "
        f"{key.in_words(lambda value: f'`{toml_text(value)}`')} | {key.about} |\n"
        for key in KEYS
    )
    tail = (
        "\n## Variables\n\n"
        'The table `[env]` has variables that every `roar run` and `roar build` gives its command, `NAME = "value"`:\n'
        "`roar env set|get|list|unset`. They win over what the shell has, and are text as it stands: `$HOME` in one\n"
        "is not expanded. The file has them in clear text. In a `PATH` the command itself is looked for, too.\n"
    )
    return head + "".join(rows) + tail


def config_path(root: bytes) -> bytes:
    """Returns the settings file of the project at `root`."""
    return os.path.join(root, b".roar", b"config.toml")


def alike(name: str) -> str:
    """Returns what a key that does not exist may have meant, as the beginning of a hint; empty: nothing is like it."""
    if name.startswith(f"{VARIABLES}."):
        return "`roar env` is for variables; "
    close = get_close_matches(name, [key.name for key in KEYS], n=2)
    return f"did you mean {' or '.join(f'`{key}`' for key in close)}? " if close else ""


def known_keys() -> str:
    """Returns a sentence that names all keys."""
    return "known keys: " + ", ".join(key.name for key in KEYS)


def toml_text(value: object) -> str:
    """Returns a value as it stands in a TOML file, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml_text, value))}]"
    return str(value)


if __name__ == "__main__":
    sys.stdout.write(render_page())
