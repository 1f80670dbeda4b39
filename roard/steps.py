"""Which step of the pipeline a command is: from its words alone, so that no tracer and no machine changes it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from roard.model import Shape, StepCandidate
from roard.paths import to_stored

_PYTHON = re.compile(r"(python|pypy)[0-9.]*[a-z]?")
_PYTHON_CLUSTER = re.compile(r"-[^-mcWX]*(?P<what>[mc])(?P<value>.*)", re.DOTALL)
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "fish"})
_SCRIPT_RUNNERS = frozenset({"Rscript", "node", "ruby", "perl", "julia", "lua", "php", "octave", "ts-node", "groovy"})
# Programs whose first plain word says what they do; for any other that word is a parameter.
_MULTI_TOOLS = frozenset({
    "apt", "apt-get", "aws", "az", "brew", "bun", "cargo", "conda", "dask", "dbt", "deno", "docker", "dvc", "gcloud",
    "gh", "git", "go", "gradle", "gsutil", "hf", "huggingface-cli", "jupyter", "just", "kaggle", "kubectl", "make",
    "mamba", "mlflow", "mvn", "ninja", "npm", "npx", "openssl", "pdm", "pip", "pip3", "pipx", "pnpm", "podman",
    "poetry", "prefect", "ray", "s3cmd", "snakemake", "systemctl", "terraform", "uv", "wandb", "yarn",
})  # fmt: skip
# Programs that only start another one.
_WRAPPERS = frozenset({"env", "nice", "nohup", "time", "timeout", "setsid", "stdbuf", "ionice", "taskset", "xvfb-run"})
_RUN_TOOLS = frozenset({"uv", "poetry", "pipenv", "pdm", "rye", "hatch"})
_EXPRESSION = frozenset({"-e", "-E", "--eval", "-r"})
# Options whose value is the next word; they may end a cluster (`-uW`, `-euo`).
_PYTHON_WITH_VALUE = re.compile(r"-[^-mc]*[WX]|--check-hash-based-pycs")
_SHELL_WITH_VALUE = re.compile(r"[-+]\w*[oO]")
_DIGITS = re.compile(rb"[0-9]{2,}")
_LONGEST_NAME = 40


def shape_of(argv: Sequence[bytes], cwd: bytes, root: bytes) -> Shape:
    """Returns the shape of a command. argv has at least one word; cwd and root are absolute."""
    words = _unwrapped([word.decode("utf-8", "backslashreplace") for word in argv])
    program = os.path.basename(words[0]) or words[0]
    place = _Place(cwd, root)
    if _PYTHON.fullmatch(program):
        return _python_shape(words[1:], place)
    if program in _SHELLS:
        return _shell_shape(program, words[1:], place)
    if program in _SCRIPT_RUNNERS:
        return _runner_shape(program, words[1:], place)
    if "/" in words[0]:
        path = place.stored(words[0])
        return Shape(path, os.path.basename(path))
    if program in _MULTI_TOOLS:
        sub = next((word for word in words[1:] if not word.startswith("-") and "=" not in word), "")
        return Shape(f"{program} {sub}".strip(), _cut(f"{program} {sub}".strip()))
    return Shape(program, program)


def named_shape(name: str) -> Shape:
    """Returns the shape of a step that `-n` names: the name and nothing else."""
    return Shape(f"name:{name}", name)


def choose_step(candidates: Sequence[StepCandidate], outputs: Iterable[bytes], *, named: bool = False) -> int | None:
    """Returns the step that a job belongs to, None for a new one.

    candidates: the steps of its shape, by number. The one whose latest job wrote the same files, numbers in their
    names aside; when either wrote none, the last. A name decides alone.
    """
    if named:
        return candidates[-1].step_id if candidates else None
    own = {fold_digits(path) for path in outputs}
    best: tuple[int, int] | None = None
    for candidate in candidates:
        overlap = len(own & {fold_digits(path) for path in candidate.outputs})
        if overlap and (best is None or overlap >= best[0]):
            best = (overlap, candidate.step_id)
    if best is not None:
        return best[1]
    silent = [candidate.step_id for candidate in candidates if not own or not candidate.outputs]
    return silent[-1] if silent else None


def fold_digits(path: bytes) -> bytes:
    """Returns a path with runs of two and more digits as `#`: times, seeds and epochs do not make another step."""
    return _DIGITS.sub(b"#", path)


@dataclass(frozen=True)
class _Place:
    cwd: bytes
    root: bytes

    def stored(self, script: str) -> str:
        path = os.path.normpath(os.path.join(self.cwd, script.encode("utf-8", "replace")))
        return to_stored(self.root, path).decode("utf-8", "backslashreplace")

    def without_root(self, text: str) -> str:
        return text.replace(self.root.decode("utf-8", "backslashreplace") + "/", "")


def _unwrapped(words: list[str]) -> list[str]:
    """Returns the command behind `env A=1`, `nice -n 5`, `timeout 60`, `uv run` and the like."""
    rest = words
    while True:
        program = os.path.basename(rest[0])
        if program in _RUN_TOOLS and rest[1:2] == ["run"]:
            inner = _after_options(rest[2:])
        elif program in _WRAPPERS:
            inner = _after_options(rest[1:])
        else:
            return rest
        if not inner:
            return rest
        rest = inner


def _after_options(words: list[str]) -> list[str]:
    """Returns the words from the first on that is no option, assignment, number or duration."""
    for index, word in enumerate(words):
        if word == "--":
            return words[index + 1 :]
        if not word.startswith("-") and not re.match(r"\w+=|[0-9.]+[smhd]?$", word):
            return words[index:]
    return []


def _operands(words: Iterable[str], with_value: re.Pattern[str]) -> Iterator[str]:
    """Yields the words without those options that take a value, and without their values."""
    pending = iter(words)
    for word in pending:
        if with_value.fullmatch(word):
            next(pending, None)
        else:
            yield word


def _python_shape(words: list[str], place: _Place) -> Shape:
    operands = _operands(words, _PYTHON_WITH_VALUE)
    for word in operands:
        if word == "-" or not word.startswith("-"):
            return Shape("python", "python") if word == "-" else _script("python", word, place)
        if word.startswith("--"):
            continue
        # -m and -c may end a cluster (`-um`), and their value may stand in the same word (`-mpip`).
        if cluster := _PYTHON_CLUSTER.match(word):
            text = cluster["value"] or next(operands, "")
            name = text if cluster["what"] == "m" else _cut(f"python -c {text}")
            return Shape(f"python -{cluster['what']} {place.without_root(text)}", name or "python")
    return Shape("python", "python")


def _shell_shape(program: str, words: list[str], place: _Place) -> Shape:
    command = False
    for word in _operands(words, _SHELL_WITH_VALUE):
        if word.startswith(("-", "+")) and len(word) > 1:
            command = command or (not word.startswith("--") and "c" in word[1:])
        elif command:
            return Shape(f"{program} -c {place.without_root(word)}", _cut(word))
        else:
            return _script(program, word, place)
    return Shape(program, program)


def _runner_shape(program: str, words: list[str], place: _Place) -> Shape:
    pending = iter(words)
    for word in pending:
        if word in _EXPRESSION:
            text = next(pending, "")
            return Shape(f"{program} {word} {place.without_root(text)}", _cut(f"{program} {text}"))
        if not word.startswith("-"):
            return _script(program, word, place)
    return Shape(program, program)


def _script(program: str, script: str, place: _Place) -> Shape:
    path = place.stored(script)
    return Shape(f"{program} {path}", os.path.basename(path) or program)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_NAME else line[: _LONGEST_NAME - 1] + "…"
