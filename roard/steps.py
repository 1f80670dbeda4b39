"""Which step of the pipeline a command is: from its words alone, so that no tracer and no machine changes it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from roard.model import Command, Shape, StepCandidate
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
_TOOL_WITH_VALUE = re.compile(r"-[CcfsI]|--(directory|file|makefile|justfile|snakefile)")
# A word that names a script, whatever program runs it: two scripts are never one step.
_SCRIPT = re.compile(
    r"[^=]*[^=/.][^=/]*\.(py|R|r|sh|bash|jl|rb|pl|js|mjs|ts|lua|m|do|sas|sql|ipynb|Rmd|qmd|awk|mk|smk|nf|wdl|cwl)"
)
_DIGITS = re.compile(rb"[0-9]{2,}")
_LONGEST_NAME = 40


def shape_of(argv: Sequence[bytes], cwd: bytes, root: bytes) -> Shape:
    """Returns the shape of a command. argv has at least one word; cwd and root are absolute."""
    return read_command(argv, cwd, root).shape


def read_command(argv: Sequence[bytes], cwd: bytes, root: bytes) -> Command:
    """Returns what a command is and where its parameters begin; see shape_of()."""
    words = [word.decode("utf-8", "backslashreplace") for word in argv]
    at = _wrapped(words)
    program = os.path.basename(words[at]) or words[at]
    place = _Place(cwd, root)
    if _PYTHON.fullmatch(program):
        return _python(words, at, place)
    if program in _SHELLS:
        return _shell(words, at, place)
    if program in _SCRIPT_RUNNERS:
        return _runner(words, at, place)
    if "/" in words[at] or _SCRIPT.fullmatch(program):
        path = place.stored(words[at])
        return Command(Shape(path, os.path.basename(path)), at + 1)
    return _other(words, at, place)


def named_shape(name: str) -> Shape:
    """Returns the shape of a step that `-n` names: the name and nothing else."""
    return Shape(f"name:{name}", name)


def choose_step(job: StepCandidate, candidates: Sequence[StepCandidate], *, named: bool = False) -> int | None:
    """Returns the step that a job belongs to, None for a new one.

    candidates: the steps of its shape, by number, each stood for by its latest job. The same command in the same
    directory is the same step; else the one that wrote the same files, numbers in their names aside; when either wrote
    none, the last. A name decides alone.
    """
    if named:
        return candidates[-1].step_id if candidates else None
    same = [candidate for candidate in candidates if (candidate.argv, candidate.cwd) == (job.argv, job.cwd)]
    own = {fold_digits(path) for path in job.outputs}
    best: tuple[int, int] | None = None
    for candidate in same or candidates:
        overlap = len(own & {fold_digits(path) for path in candidate.outputs})
        if overlap and (best is None or overlap >= best[0]):
            best = (overlap, candidate.step_id)
    if best is not None:
        return best[1]
    silent = [candidate for candidate in candidates if not own or not candidate.outputs]
    return next((candidate.step_id for candidate in reversed(same or silent)), None)


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


def _wrapped(words: Sequence[str]) -> int:
    """Returns the index of the program behind `env A=1`, `nice -n 5`, `timeout 60`, `uv run` and the like."""
    at = 0
    while True:
        program = os.path.basename(words[at])
        if program in _RUN_TOOLS and words[at + 1 : at + 2] == ["run"]:
            inner = _after_options(words, at + 2)
        elif program in _WRAPPERS:
            inner = _after_options(words, at + 1)
        else:
            return at
        if inner == len(words):
            return at
        at = inner


def _after_options(words: Sequence[str], start: int) -> int:
    """Returns the index of the first word from `start` on that is no option, assignment, number or duration."""
    for index in range(start, len(words)):
        if words[index] == "--":
            return index + 1
        if not words[index].startswith("-") and not re.match(r"\w+=|[0-9.]+[smhd]?$", words[index]):
            return index
    return len(words)


def _operands(words: Sequence[str], start: int, with_value: re.Pattern[str]) -> Iterator[int]:
    """Yields the places of the words from `start` on, but for options that take a value, and their values."""
    pending = iter(range(start, len(words)))
    for index in pending:
        if with_value.fullmatch(words[index]):
            next(pending, None)
        else:
            yield index


def _python(words: Sequence[str], at: int, place: _Place) -> Command:
    operands = _operands(words, at + 1, _PYTHON_WITH_VALUE)
    for index in operands:
        word = words[index]
        if word == "-" or not word.startswith("-"):
            shape = Shape("python", "python") if word == "-" else _script("python", word, place)
            return Command(shape, index + 1)
        if word.startswith("--"):
            continue
        # -m and -c may end a cluster (`-um`), and their value may stand in the same word (`-mpip`).
        if cluster := _PYTHON_CLUSTER.match(word):
            end = index if cluster["value"] else next(operands, index)
            text = cluster["value"] or (words[end] if end > index else "")
            name = text if cluster["what"] == "m" else _cut(f"python -c {text}")
            shape = Shape(f"python -{cluster['what']} {place.without_root(text)}", name or "python")
            return (
                _with_script(Command(shape, end + 1), words, place)
                if cluster["what"] == "m"
                else Command(shape, end + 1)
            )
    return Command(Shape("python", "python"), len(words))


def _shell(words: Sequence[str], at: int, place: _Place) -> Command:
    program = os.path.basename(words[at])
    command = False
    for index in _operands(words, at + 1, _SHELL_WITH_VALUE):
        word = words[index]
        if word.startswith(("-", "+")) and len(word) > 1:
            command = command or (not word.startswith("--") and "c" in word[1:])
        elif command:
            return Command(Shape(f"{program} -c {place.without_root(word)}", _cut(word)), index + 1)
        else:
            return Command(_script(program, word, place), index + 1)
    return Command(Shape(program, program), len(words))


def _runner(words: Sequence[str], at: int, place: _Place) -> Command:
    program = os.path.basename(words[at])
    for index in range(at + 1, len(words)):
        word = words[index]
        if word in _EXPRESSION:
            text = words[index + 1] if index + 1 < len(words) else ""
            shape = Shape(f"{program} {word} {place.without_root(text)}", _cut(f"{program} {text}"))
            return Command(shape, min(index + 2, len(words)))
        if not word.startswith("-"):
            return Command(_script(program, word, place), index + 1)
    return Command(Shape(program, program), len(words))


def _other(words: Sequence[str], at: int, place: _Place) -> Command:
    program = os.path.basename(words[at])
    if program not in _MULTI_TOOLS:
        return _with_script(Command(Shape(program, program), at + 1), words, place)
    for index in _operands(words, at + 1, _TOOL_WITH_VALUE):
        if not words[index].startswith("-") and "=" not in words[index]:
            text = f"{program} {words[index]}"
            found = Command(Shape(text, _cut(text)), index + 1)
            return found if _SCRIPT.fullmatch(words[index]) else _with_script(found, words, place, at + 1)
    return _with_script(Command(Shape(program, program), at + 1), words, place)


def _with_script(command: Command, words: Sequence[str], place: _Place, start: int = 0) -> Command:
    """Returns the command with the script that it starts, if a word names one (`torchrun -n 2 train.py`)."""
    for index in range(start or command.parameters, len(words)):
        if not words[index].startswith("-") and _SCRIPT.fullmatch(words[index]):
            path = place.stored(words[index])
            shape = Shape(f"{command.shape.text} {path}", _cut(f"{command.shape.name} {os.path.basename(path)}"))
            return Command(shape, command.parameters, script=index)
    return command


def _script(program: str, script: str, place: _Place) -> Shape:
    path = place.stored(script)
    return Shape(f"{program} {path}", os.path.basename(path) or program)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_NAME else line[: _LONGEST_NAME - 1] + "…"
