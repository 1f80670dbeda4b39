"""The rights of `roar-collector`, which loads programs into the kernel: file capabilities, by setcap."""

from __future__ import annotations

import os
import shlex
import shutil
import struct
import subprocess
import sys

from roar_client.errors import ClientError
from roar_client.output.text import ask, can_ask, note, say

CAP_PERFMON, CAP_BPF = 38, 39
_EFFECTIVE = 0x01
_REVISION = 0xFF000000
_REVISIONS_OF_64_BIT = (0x02000000, 0x03000000)


def give_rights(*, yes: bool) -> None:
    """Sees to it that the collector may load its programs. Raises ClientError no-collector, setup-failed."""
    collector = find_collector()
    if os.geteuid() == 0:
        say("root may load programs into the kernel: nothing to set up")
        return
    if has_rights(collector):
        say(f"`{collector}` has its capabilities already")
        return
    if os.statvfs(collector).f_flag & os.ST_NOSUID:
        raise _failed(
            "the file system of `roar-collector` is mounted with nosuid",
            cause=f"capabilities of `{collector}` would have no effect",
            hint="install roar on another file system, for example `python -m venv` in your home directory",
        )
    _run(["setcap", "cap_bpf,cap_perfmon=ep", collector], yes=yes)


def take_rights(*, yes: bool) -> None:
    """Takes the capabilities of the collector away. Raises ClientError no-collector, setup-failed."""
    collector = find_collector()
    if _capabilities(collector):
        _run(["setcap", "-r", collector], yes=yes)
    else:
        say(f"`{collector}` has no capabilities")


def find_collector() -> str:
    """Returns the path of the collector beside this program. Raises ClientError no-collector."""
    collector = os.path.join(os.path.dirname(os.path.realpath(sys.argv[0])), "roar-collector")
    if not os.path.isfile(collector):
        raise ClientError(
            "no-collector",
            "the program `roar-collector` is not there",
            cause=f"it would be `{collector}`",
            hint="this build of roar has no eBPF; install one that has",
        )
    return collector


def has_rights(path: str) -> bool:
    """Returns whether whoever executes a file gets both capabilities."""
    wanted = 1 << CAP_BPF | 1 << CAP_PERFMON
    return _capabilities(path) & wanted == wanted


def _capabilities(path: str) -> int:
    """Returns the capabilities that a file gives, as a set of bits; see capabilities(7), `File capabilities`."""
    try:
        data = os.getxattr(path, "security.capability")
    except OSError:
        return 0
    (magic,) = struct.unpack_from("<I", data)
    if magic & _REVISION not in _REVISIONS_OF_64_BIT or not magic & _EFFECTIVE:
        return 0
    permitted_low, _, permitted_high, _ = struct.unpack_from("<4I", data, 4)
    return int(permitted_low | permitted_high << 32)


def _run(words: list[str], *, yes: bool) -> None:
    """Has a command run by sudo when the user consents; the command is shown whatever he says."""
    words = ["sudo", *words]
    command = shlex.join(words)
    if not yes and not can_ask():
        raise _failed("there is nobody to ask", cause=f"to be run: {command}", hint="run it, or say `-y`")
    if shutil.which("sudo") is None:
        raise _failed("there is no `sudo`", cause=f"to be run: {command}", hint="run it as root, without `sudo`")
    if yes:
        note(command)
    elif not ask(f"run `{command}`?"):
        raise _failed("not done", cause=f"to be run: {command}", hint="run it yourself, then `roar tracer check ebpf`")
    done = subprocess.run(words, check=False)
    if done.returncode:
        raise _failed(f"`{command}` ended with {done.returncode}", hint="see what it said above")


def _failed(fact: str, *, cause: str = "", hint: str = "") -> ClientError:
    return ClientError("setup-failed", fact, cause=cause, hint=hint)
