"""Work that a job has done by a process which was running already: nobody sees it, but the program that asks is known.

Decided by the name of the program and its subcommand, so it says what may be missing, not that something is.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from roar_proto.v1 import types_pb2


@dataclass(frozen=True)
class Client:
    """A program that asks another process to work."""

    worker: str
    """Who does the work, and where."""
    only: Collection[str] = ()
    """Subcommands that make it work; empty: all."""
    never: Collection[str] = ()
    """Options that keep the work in the job, or ask for none."""
    needs: Collection[str] = ()
    """Options without which it works by itself."""
    valued: Collection[str] = ()
    """Options before the subcommand whose value is a word of its own."""
    serves: Collection[str] = field(default_factory=frozenset)
    """Programs whose children it may be: they write the files themselves."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CONTAINER_WORK = _words(
    "run exec build buildx compose cp start restart create commit import load save export plugin stack service"
)
_CONTAINER_OPTIONS = _words("-H --host -c --context -l --log-level --config -n --namespace")
_DOCKER = Client("the docker daemon", only=_CONTAINER_WORK, valued=_CONTAINER_OPTIONS)
_NO_WORK = _words("--version --help -V -h")
_BATCH = Client("the batch system", never=_NO_WORK)
_AT = Client("the at daemon, later", never=_NO_WORK | {"-l", "-r", "-d", "-c", "-v"})
_PODMAN = Client(
    "a podman service", only=_CONTAINER_WORK, valued={"--connection", "--url", "-c"}, needs={"--remote", "-r", "--url"}
)
CLIENTS: Mapping[str, Client] = {
    "docker": _DOCKER,
    "nerdctl": Client("containerd", only=_CONTAINER_WORK, valued=_CONTAINER_OPTIONS),
    "podman": _PODMAN,
    "podman-remote": Client("a podman service", only=_CONTAINER_WORK),
    "kubectl": Client(
        "a cluster",
        only=_words("run exec cp apply create delete replace patch set debug drain rollout scale attach"),
        valued={"-n", "--namespace", "--context", "--kubeconfig", "--cluster", "--user", "-s", "--server"},
    ),
    "systemd-run": Client("systemd", never=_NO_WORK | {"--scope"}),
    "systemctl": Client("systemd", only=_words("start restart reload stop try-restart")),
    "flatpak-spawn": Client("a process outside of the sandbox", needs={"--host"}),
    "machinectl": Client("systemd, in a container", only=_words("shell start copy-to copy-from")),
    "at": _AT,
    "batch": _AT,
    "sbatch": _BATCH,
    "srun": _BATCH,
    "qsub": _BATCH,
    "bsub": _BATCH,
    "condor_submit": _BATCH,
    "sccache": Client("its server", never=_NO_WORK | {"--show-stats", "-s", "--stop-server", "--zero-stats", "-z"}),
    "ssh": Client("another machine", never={"-V", "-G", "-Q"}, serves={"git", "rsync", "scp", "sftp"}),
}
_MOST_NAMED = 3


def other_daemons(processes: Sequence[types_pb2.Process]) -> types_pb2.Warning | None:
    """Returns the warning about the work of others, None when no process asked for any. O(processes)."""
    asked = list(dict.fromkeys(_asked(processes)))
    if not asked:
        return None
    more = f" and {len(asked) - _MOST_NAMED} more" if len(asked) > _MOST_NAMED else ""
    named = ", ".join(asked[:_MOST_NAMED])
    return types_pb2.Warning(code="other-daemon", message=f"what others did for the job is not seen: {named}{more}")


def _asked(processes: Iterable[types_pb2.Process]) -> Iterator[str]:
    """Yields what the processes asked whom for."""
    names: dict[int, str] = {}
    for process in processes:
        name = program_of(process)
        names[process.pid] = name
        client = CLIENTS.get(name)
        if client and names.get(process.parent_pid) not in {name, *client.serves} and asks(client, process.argv[1:]):
            yield f"{client.worker} for `{name}` (pid {process.pid})"


def program_of(process: types_pb2.Process) -> str:
    """Returns the name of what a process executed: `git` also for its parts, such as git-remote-https."""
    path = process.exe or (process.argv[0] if process.argv else b"")
    name = os.path.basename(path).decode("utf-8", "replace")
    return "git" if name.startswith("git-") else name


def asks(client: Client, words: Iterable[bytes]) -> bool:
    """Returns whether a program called with these words makes another process work."""
    options, subcommand = _read(client, [word.decode("utf-8", "replace") for word in words])
    if options & set(client.never) or (client.needs and not options & set(client.needs)):
        return False
    return not client.only or subcommand in client.only


def _read(client: Client, words: Sequence[str]) -> tuple[set[str], str]:
    """Returns the options before the first word that is none, without their values, and that word."""
    options: set[str] = set()
    is_value = False
    for word in words:
        if is_value:
            is_value = False
        elif word.startswith("-"):
            options.add(word.partition("=")[0])
            is_value = word in client.valued
        else:
            return options, word
    return options, ""
