"""Variables of the environment that a project gives its runs: what they may be, and what a user should know of one."""

from __future__ import annotations

import re
from dataclasses import dataclass

# The launcher refuses the same (tracers/launcher/src/environment.rs).
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_OURS = "ROAR_"
MOST_BYTES = 131_071
"""Of `NAME=value`: the kernel starts no program with a longer one."""

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:TOKEN|SECRETS?|PASS|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|AUTH|COOKIE|KEY|APIKEY|DSN)(?:_|$)",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|^(?:sk-|hf_|gh[opsru]_|github_pat_|glpat-|xox[abprs]-|AKIA|ASIA|AIza|ya29\.|npm_|pypi-|dckr_pat_|eyJ[A-Za-z0-9_-]{8})"
    r"|^[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@",
)


@dataclass(frozen=True)
class Problem:
    """Why something cannot be a variable."""

    fact: str
    hint: str = ""


def problem_of_name(name: str) -> Problem | None:
    """Returns why this can be no name of a variable; None: it can."""
    if not _NAME.match(name):
        before, equals, _ = name.partition("=")
        if equals and _NAME.match(before):
            return Problem(f"`{name}` is no name of a variable", f"write `roar env set {before} VALUE`")
        return Problem(
            f"`{name}` is no name of a variable", "a name has letters, digits and `_`, and does not begin with a digit"
        )
    if name.startswith(_OURS):
        return Problem(f"`{name}` is roar's own", "set it in the shell from which roar is run")
    return None


def problem_of_value(name: str, value: str) -> Problem | None:
    """Returns why a variable cannot have this value; None: it can. An empty one is a value."""
    if "\0" in value:
        return Problem(f"the value of `{name}` has a byte of zero", "no program can be given one")
    size = len(f"{name}={value}".encode())
    if size > MOST_BYTES:
        return Problem(
            f"the value of `{name}` is too long",
            f"the kernel takes {MOST_BYTES:,} bytes with its name, and these are {size:,}: put it into a file",
        )
    return None


def is_secret(name: str, value: str) -> bool:
    """Returns whether a variable looks as if not everybody should see it, by its name or by its value."""
    return bool(value) and bool(_SECRET_NAME.search(name) or _SECRET_VALUE.search(value))


def notes_on(name: str, value: str) -> list[str]:
    """Returns what a user who sets this should know, each in one line."""
    notes = []
    if name == "PATH":
        notes.append("it takes the place of the whole PATH, also for finding the command of `roar run`")
    if name.startswith("LD_"):
        notes.append(
            "it changes how every program of a job is loaded, and a wrong value can keep all of them from starting"
        )
    if re.search(r"\$[A-Za-z_{]", value):
        notes.append("`$` is not expanded: the job gets the value as it stands")
    if is_secret(name, value):
        notes.append("it looks secret, and stands in clear text in the file")
    return notes
