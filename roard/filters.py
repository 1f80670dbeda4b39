"""Which files count: the role of every file that a job used. Policy only: reads nothing but what `Facts` lets it ask.

Inside the project a file is data or code; only virtual environments and node_modules are packages there. Outside,
the first rule that knows a path decides, and when that rule is switched off the file is data.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from roard.config import FilterSettings


class Use(Enum):
    """How a job used a file."""

    READ = "read"
    EXECUTED = "executed"
    WRITTEN = "written"


class Verdict(Enum):
    """What a file stands for; the value of a left-out one is the name of its rule."""

    NOTHING = ""
    DATA = "data"
    CODE = "code"
    VCS = "vcs"
    PACKAGE = "package"
    SYSTEM = "system"
    CACHE = "cache"
    TEMPORARY = "temporary"
    IGNORED = "ignored"
    """By the user, in `.roarignore`; not by a rule of this module."""

    @property
    def is_recorded(self) -> bool:
        return self is Verdict.DATA or self is Verdict.CODE


@dataclass(frozen=True)
class Facts:
    """What the rules must know about a project and its machine."""

    root: bytes
    """Of the project; absolute, without a slash at the end."""
    homes: tuple[bytes, ...]
    """The user's home directory, as written and resolved; no slash at the end."""
    temporary: tuple[bytes, ...]
    """Values of TMPDIR, as written and resolved; no slash at the end."""
    settings: FilterSettings
    is_environment: Callable[[bytes], bool]
    """Whether a directory is the top of a virtual environment (pyvenv.cfg) or of a conda one (conda-meta)."""
    is_tracked: Callable[[bytes], bool] | None
    """Whether git tracks a file; None outside git: no commit stands for anything then."""
    is_ignored: Callable[[bytes], bool]
    """Whether git ignores a file of the project."""


SOURCE_SUFFIXES = frozenset(
    b"bash bats c cc cl clj cmake cpp cs cu cuh cxx do dart erl ex exs f f03 f77 f90 f95 fish for fs ftn go gradle"
    b" groovy h hh hpp hs hxx ino ipynb java jl js jsx kt ksh lua m mjs mk ml mm nf nim nix php pl pm ps1 pxd pxi py"
    b" pyi pyw pyx r rb rmd rs s sas scala sh smk sv swift tcl ts tsx v vhd wdl zig zsh".split()
)
SOURCE_NAMES = frozenset(
    b"Makefile makefile GNUmakefile CMakeLists.txt Dockerfile Containerfile Snakefile Justfile justfile SConstruct"
    b" SConscript Rakefile Vagrantfile meson.build BUILD BUILD.bazel WORKSPACE Jenkinsfile".split()
)

_PACKAGE_DIRECTORY = re.compile(
    rb"/(?:site-packages|dist-packages|node_modules|site-library|\.cargo|\.rustup|\.pyenv|\.rbenv|\.nvm|\.npm|\.nodenv"
    rb"|pyenv/versions|\.gem|\.m2|\.gradle|\.julia|\.conda|\.mamba|\.virtualenvs|\.bun|\.deno|\.poetry|\.ghcup|\.sdkman"
    rb"|lib(?:64)?/(?:python|pypy)[0-9.]+|include/python[0-9.]+[a-z]*|lib(?:64)?/R|R/library"
    rb"|R/[^/]*-library|go/pkg/mod|usr/local/(?:cargo|rustup|go|lib/node_modules))/"
)
_PACKAGE_HOME = (b"/.local/bin/", b"/.local/lib/", b"/.local/pipx/", b"/.local/share/uv/", b"/.local/share/pipx/")
_INTERPRETER = re.compile(rb"/bin/(?:python|pypy)[0-9.]*[a-z]?$|/libpython[0-9][^/]*$")

_SYSTEM = (
    b"/usr/", b"/bin/", b"/sbin/", b"/lib/", b"/lib32/", b"/lib64/", b"/libx32/", b"/etc/", b"/proc/", b"/sys/",
    b"/dev/", b"/run/", b"/boot/", b"/snap/", b"/nix/store/", b"/gnu/store/", b"/var/cache/", b"/var/run/",
    b"/var/lock/", b"/var/lib/dpkg/", b"/var/lib/apt/", b"/var/lib/rpm/", b"/var/lib/pacman/", b"/var/lib/systemd/",
    b"/var/lib/dbus/", b"/var/lib/ca-certificates/", b"/var/lib/alternatives/", b"/System/", b"/Library/",
    b"/private/etc/", b"/opt/homebrew/", b"/opt/local/",
)  # fmt: skip
# Where desktops mount disks.
_REMOVABLE = b"/run/media/"
_SYSTEM_FILES = frozenset((b"/.dockerenv", b"/.containerenv"))
_USR_LOCAL = b"/usr/local/"
_USR_LOCAL_SYSTEM = re.compile(rb"/usr/local/(?:bin|sbin|lib[0-9a-z]*|include|etc|man|src|games)/")
_SYSTEM_HOME = (
    b"/.config/", b"/.ssh/", b"/.gnupg/", b"/.aws/", b"/.azure/", b"/.kube/", b"/.docker/", b"/.ipython/",
    b"/.jupyter/", b"/.local/state/", b"/.local/etc/", b"/.local/share/jupyter/", b"/.local/share/fonts/",
    b"/.fonts/", b"/.oh-my-zsh/", b"/.vim/", b"/.emacs.d/", b"/.terminfo/", b"/.nix-profile/", b"/Library/Preferences/",
)  # fmt: skip

_CACHE_HOME = (
    b"/.cache/", b"/.nv/", b"/.ccache/", b"/.matplotlib/", b"/.fontconfig/", b"/.numba_cache/", b"/Library/Caches/",
)  # fmt: skip
# People keep models and data sets in these, and a job depends on them as on any other.
_KEPT_CACHES = re.compile(
    rb"/\.cache/(?:huggingface|torch/(?:hub|sentence_transformers)|kagglehub|clip|whisper|openml)/"
)
_COMPILED_BY_TORCH = re.compile(
    rb"/(?:torchinductor_[^/]*|torch_compile_debug|torch_extensions|\.triton|triton_[^/]*|\.inductor_cache)/"
    rb"|/\.cache/torch/(?:inductor|kernels)/"
)
_TEMPORARY = (b"/tmp/", b"/var/tmp/", b"/dev/shm/", b"/private/tmp/", b"/var/folders/", b"/private/var/folders/")


class Filters:
    """The rules for the files of one job. Remembers verdicts by directory: 10,000 files in one cost one look."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._inside = facts.root + b"/"
        self._outside: dict[bytes, Verdict | None] = {}
        self._environments: dict[bytes, bool] = {}

    def judge(self, path: bytes, use: Use, *, wanted: bool = False) -> Verdict:
        """Returns what a file stands for; absolute, resolved path. wanted: no rule leaves it out."""
        head, _, name = path.rpartition(b"/")
        directory = head + b"/"
        inside = path.startswith(self._inside)
        if inside and path.startswith(self._inside + b".roar/"):
            return Verdict.NOTHING
        if not wanted and (dropped := self._rule_of(path, directory, name, inside=inside)):
            return dropped
        return self._role_inside(path, directory, name, use) if inside else Verdict.DATA

    def _rule_of(self, path: bytes, directory: bytes, name: bytes, *, inside: bool) -> Verdict | None:
        """Returns the rule that leaves a file out."""
        if b"/.git/" in directory or name == b".git":
            return Verdict.VCS
        if not inside:
            return self._rule_outside(path, directory, name)
        below = directory[len(self.facts.root) :]
        installed = b"/node_modules/" in below or self._in_environment(head_of(directory), self.facts.root)
        return Verdict.PACKAGE if installed and self.facts.settings.ignore_package_reads else None

    def _role_inside(self, path: bytes, directory: bytes, name: bytes, use: Use) -> Verdict:
        facts = self.facts
        if directory.endswith(b"/__pycache__/") and name.endswith(b".pyc"):
            return Verdict.CODE
        if facts.is_tracked is None:
            return Verdict.DATA
        source = is_source(name)
        if not source and use is not Use.EXECUTED:
            return Verdict.DATA
        if facts.is_tracked(path):
            return Verdict.CODE
        fresh_source = source and use is not Use.WRITTEN and not facts.is_ignored(path)
        return Verdict.CODE if fresh_source else Verdict.DATA

    def _rule_outside(self, path: bytes, directory: bytes, name: bytes) -> Verdict | None:
        if directory not in self._outside:
            self._outside[directory] = self._rule_of_directory(directory)
        rule = self._outside[directory]
        if rule is not Verdict.PACKAGE and _INTERPRETER.search(path):
            rule = Verdict.PACKAGE
        elif rule is None and (path in _SYSTEM_FILES or self._is_dotfile(directory, name)):
            rule = Verdict.SYSTEM
        elif rule in {None, Verdict.TEMPORARY} and name.endswith(b".pyc"):
            rule = Verdict.CACHE
        return rule if rule and self._is_on(rule, directory) else None

    def _rule_of_directory(self, directory: bytes) -> Verdict | None:
        """Returns the first rule that knows a directory outside the project; it ends with a slash."""
        if _COMPILED_BY_TORCH.search(directory):
            return Verdict.CACHE
        if _PACKAGE_DIRECTORY.search(directory) or self._below_home(directory, _PACKAGE_HOME):
            return Verdict.PACKAGE
        if self._in_environment(head_of(directory), b""):
            return Verdict.PACKAGE
        if directory.startswith(_TEMPORARY):
            return Verdict.TEMPORARY
        if _is_system(directory) or self._below_home(directory, _SYSTEM_HOME):
            return Verdict.SYSTEM
        if _KEPT_CACHES.search(directory):
            return None
        if self._below_home(directory, _CACHE_HOME) or directory.endswith(b"/__pycache__/"):
            return Verdict.CACHE
        if directory.startswith(tuple(value + b"/" for value in self.facts.temporary)):
            return Verdict.TEMPORARY
        return None

    def _below_home(self, directory: bytes, places: tuple[bytes, ...]) -> bool:
        homes = [home for home in self.facts.homes if directory.startswith(home)]
        return any(directory[len(home) :].startswith(places) for home in homes)

    def _is_dotfile(self, directory: bytes, name: bytes) -> bool:
        return name.startswith(b".") and head_of(directory) in self.facts.homes

    def _in_environment(self, directory: bytes, above: bytes) -> bool:
        """Returns whether a directory is, or is in, a virtual environment whose top lies below `above`."""
        # A loop: a path may have 2,000 directories, twice as many as Python lets a function call itself.
        climbed = []
        found = False
        while not found and len(directory) > len(above) and directory not in self.facts.homes:
            if directory in self._environments:
                found = self._environments[directory]
                break
            climbed.append(directory)
            found = self.facts.is_environment(directory)
            directory = head_of(directory)
        self._environments.update(dict.fromkeys(climbed, found))
        return found

    def _is_on(self, rule: Verdict, directory: bytes) -> bool:
        settings = self.facts.settings
        if rule is Verdict.CACHE:
            return settings.ignore_torch_cache if _COMPILED_BY_TORCH.search(directory) else settings.ignore_cache
        return {
            Verdict.PACKAGE: settings.ignore_package_reads,
            Verdict.SYSTEM: settings.ignore_system_reads,
            Verdict.TEMPORARY: settings.ignore_tmp_files,
        }[rule]


def _is_system(directory: bytes) -> bool:
    if directory.startswith(_USR_LOCAL):
        return _USR_LOCAL_SYSTEM.match(directory) is not None
    return directory.startswith(_SYSTEM) and not directory.startswith(_REMOVABLE)


def is_source(name: bytes) -> bool:
    """Returns whether a file of this name is source text, by its extension or as one of the well-known names."""
    stem, dot, suffix = name.rpartition(b".")
    return (bool(dot and stem) and suffix.lower() in SOURCE_SUFFIXES) or name in SOURCE_NAMES


def head_of(directory: bytes) -> bytes:
    """Returns a path without its last slash and what follows it."""
    return directory.rpartition(b"/")[0]
