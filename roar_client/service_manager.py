"""The service managers that roard can be a service of: where its unit goes, what is in it, and how it is started."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from roar_client.errors import ClientError
from roar_client.starting import program

_HERE = Path(__file__).resolve().parent
_IN_THE_TREE, _INSTALLED = _HERE.parent, _HERE / "units"
PASSED_ON = ("ROAR_RUNTIME_DIR", "XDG_STATE_HOME")
"""Variables by which commands and daemon find each other, and the log: the service gets them as they are now."""
SYSTEMD_UNIT = "roard.service"
LAUNCHD_LABEL = "org.roar.roard"
PATIENCE_S = 30

Command = tuple[str, ...]


@dataclass(frozen=True)
class ServiceManager:
    """How one kind of service manager is talked to."""

    name: str
    """As people type it."""
    unit: Path
    """The file in the user's place."""
    content: str
    """What belongs into it."""
    present: Command
    """Succeeds where the manager of this user answers."""
    active: Command
    """Succeeds when the service runs."""
    reload: Sequence[Command]
    """Have it read a unit that has changed."""
    start: Sequence[Command]
    """At once and at every login."""
    restart: Sequence[Command]
    stop: Sequence[Command]
    """At once and for ever."""
    links: Sequence[Path] = ()
    """What `start` leaves beside the unit."""

    @property
    def is_installed(self) -> bool:
        """Whether a unit is there, this installation's or another's."""
        return self.unit.exists()

    @property
    def is_up_to_date(self) -> bool:
        """Whether the unit that is there starts the daemon of this installation."""
        try:
            return self.unit.read_text(encoding="utf-8") == self.content
        except (OSError, UnicodeDecodeError):
            return False

    def answers(self) -> bool:
        """Returns whether there is a manager of this user."""
        return _succeeds(self.present)

    def runs(self) -> bool:
        """Returns whether the daemon runs as a service."""
        return _succeeds(self.active)

    def do(self, commands: Sequence[Command]) -> None:
        """Runs commands of the manager. Raises ClientError service-failed with what the first says that fails."""
        for command in commands:
            done = _run(command)
            if done is None or done.returncode != 0:
                raise ClientError(
                    "service-failed",
                    f"`{' '.join(command)}` failed",
                    cause=done.stderr.strip() if done else "it did not end",
                    hint="`roar daemon logs` and the service manager's own log may say more",
                )


def service_manager() -> ServiceManager:
    """Returns the kind of this platform."""
    return launchd() if sys.platform == "darwin" else systemd()


def systemd() -> ServiceManager:
    """Returns systemd's manager of this user."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    folder = (Path(base) if base.startswith("/") else Path.home() / ".config") / "systemd" / "user"
    environment = "\n".join("Environment=" + _quoted(f"{name}={value}") for name, value in _passed_on().items())
    ctl = ("systemctl", "--user")
    return ServiceManager(
        name="systemctl --user",
        unit=folder / SYSTEMD_UNIT,
        content=_filled(
            f"systemd/{SYSTEMD_UNIT}", {"ROARD": " ".join(map(_quoted, program())), "ENVIRONMENT": environment}
        ),
        present=(*ctl, "show-environment"),
        active=(*ctl, "is-active", SYSTEMD_UNIT),
        reload=[(*ctl, "daemon-reload")],
        start=[(*ctl, "enable", "--now", SYSTEMD_UNIT)],
        restart=[(*ctl, "enable", SYSTEMD_UNIT), (*ctl, "restart", SYSTEMD_UNIT)],
        stop=[(*ctl, "disable", "--now", SYSTEMD_UNIT)],
        links=[folder / "default.target.wants" / SYSTEMD_UNIT],
    )


def launchd() -> ServiceManager:
    """Returns launchd, as far as it is about this user's session."""
    unit = Path.home() / "Library" / "LaunchAgents" / f"{LAUNCHD_LABEL}.plist"
    words = "".join(f"<string>{escape(word)}</string>" for word in program())
    pairs = (f"<key>{name}</key><string>{escape(value)}</string>" for name, value in _passed_on().items())
    domain = f"gui/{os.getuid()}"
    start, stop = ("launchctl", "bootstrap", domain, str(unit)), ("launchctl", "bootout", f"{domain}/{LAUNCHD_LABEL}")
    return ServiceManager(
        name="launchctl",
        unit=unit,
        content=_filled(f"launchd/{LAUNCHD_LABEL}.plist", {"ROARD": words, "ENVIRONMENT": "".join(pairs)}),
        present=("launchctl", "print", domain),
        active=("launchctl", "print", f"{domain}/{LAUNCHD_LABEL}"),
        reload=[],
        start=[start],
        restart=[stop, start],
        stop=[stop],
    )


def _passed_on() -> Mapping[str, str]:
    return {name: os.environ[name] for name in PASSED_ON if os.environ.get(name, "").startswith("/")}


def _filled(template: str, values: Mapping[str, str]) -> str:
    """Returns a template with its places filled; a line that is nothing but an empty place is left out."""
    place = _IN_THE_TREE if (_IN_THE_TREE / template).is_file() else _INSTALLED
    return "".join(_filled_lines((place / template).read_text(encoding="utf-8"), values))


def _filled_lines(text: str, values: Mapping[str, str]) -> Iterator[str]:
    for line in text.splitlines(keepends=True):
        found = next((name for name in values if f"@{name}@" in line), None)
        if found is None:
            yield line
        elif values[found] or line.strip() != f"@{found}@":
            yield line.replace(f"@{found}@", values[found])


def _quoted(word: str) -> str:
    """Returns a word as systemd reads it: quoted, and `%` is no specifier."""
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{plain}"'


def _succeeds(command: Command) -> bool:
    done = _run(command)
    return done is not None and done.returncode == 0


def _run(command: Command) -> subprocess.CompletedProcess[str] | None:
    """Returns how a command ended; None: it is not there, or did not end."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
