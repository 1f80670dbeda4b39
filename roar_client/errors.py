"""Errors that the command line finds by itself, and the form in which it passes on those of the daemon."""

from __future__ import annotations

from dataclasses import dataclass

FAILED = 1
USAGE = 2
INTERRUPTED = 130
REASONS = {
    "daemon-failed": "The daemon answered with an error that has no words of its own.",
    "daemon-lost": "The daemon ended while a command waited for its answer.",
    "daemon-silent": "The daemon listens but does not answer, or does not end.",
    "daemon-too-new": "The daemon speaks only a newer protocol than this `roar`.",
    "daemon-too-old": "The daemon speaks only an older protocol than this `roar`.",
    "foreign-daemon": "Another user listens on the socket of the runtime directory.",
    "file-not-written": "The file given to `-o` cannot be written.",
    "gitignore-not-written": "`roar init` cannot write `.gitignore`.",
    "no-cases": "The truth programs of `roar doctor` are missing.",
    "no-collector": "`roar tracer setup ebpf` does not find `roar-collector` beside it.",
    "no-daemon": "No daemon is running and none can be, or may be, started.",
    "no-directory": "The directory given to `roar init --path` does not exist.",
    "no-launcher": "`roar-py run` and `roar-py build` do not find the native `roar` beside them.",
    "no-log": "The daemon has not written a log yet.",
    "no-picture": "A picture cannot be printed on a terminal.",
    "no-project": "Neither the working directory nor one above it is a roar project.",
    "no-terminal": "`roar tui` is not on a terminal, or on one that cannot place text.",
    "service-failed": "The service manager could not start or end roard as a service.",
    "setup-failed": "`roar tracer setup` could not change the capabilities of `roar-collector`, or was not allowed to.",
    "unit-not-written": "`roar daemon install` cannot write the unit of the service.",
    "unreadable-project": "`.roar/` is there but cannot be read.",
    "unsafe-runtime-dir": "The runtime directory cannot be used for the socket.",
    "usage": "The words of the command line make no sense; exit status 2.",
}
"""What the command line itself can report, for docs/cli.md; those of the daemon are in docs/errors.md."""


@dataclass(eq=False)
class ClientError(Exception):
    """Why a command cannot be done: rendered once, by output/errors.py."""

    reason: str
    """Kebab-case word: one of REASONS, or the daemon's."""
    fact: str
    cause: str = ""
    hint: str = ""
    exit_code: int = FAILED


def shown(path: bytes) -> str:
    """Returns a path for a message: undecodable bytes as U+FFFD, control characters escaped."""
    text = path.decode("utf-8", "replace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def as_text(word: str) -> str:
    """Returns a word of the command line that must be text. Raises ClientError usage when it is not UTF-8."""
    try:
        word.encode()
    except UnicodeEncodeError:
        fact = f"`{shown(word.encode('utf-8', 'surrogateescape'))}` is not UTF-8"
        raise ClientError("usage", fact, hint="a configuration file holds text only", exit_code=USAGE) from None
    return word
