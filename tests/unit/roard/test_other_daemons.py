"""Which programs ask others to work, by what they were called with."""

from __future__ import annotations

import shlex

import pytest
from roar_proto.v1 import types_pb2

from roard.other_daemons import other_daemons


def process(pid: int, command: str, *, parent: int = 1, exe: str = "") -> types_pb2.Process:
    words = shlex.split(command)
    argv = [word.encode() for word in words]
    return types_pb2.Process(pid=pid, parent_pid=parent, exe=(exe or f"/usr/bin/{words[0]}").encode(), argv=argv)


@pytest.mark.parametrize(
    ("command", "worker"),
    [
        ("docker run --rm -v data:/data image sort", "the docker daemon"),
        ("docker -H tcp://box --log-level=debug build .", "the docker daemon"),
        ("docker --context far compose up", "the docker daemon"),
        ("docker ps -a", ""),
        ("docker --version", ""),
        ("docker", ""),
        ("nerdctl -n k8s.io run image", "containerd"),
        ("podman run image", ""),
        ("podman --remote run image", "a podman service"),
        ("podman --url=ssh://box run image", "a podman service"),
        ("podman --remote ps", ""),
        ("podman-remote build .", "a podman service"),
        ("kubectl -n train apply -f job.yaml", "a cluster"),
        ("kubectl get pods", ""),
        ("systemd-run --user sort raw.csv", "systemd"),
        ("systemd-run --user --scope sort raw.csv", ""),
        ("systemctl --user restart ingest", "systemd"),
        ("systemctl status ingest", ""),
        ("flatpak-spawn --host make", "a process outside of the sandbox"),
        ("flatpak-spawn make", ""),
        ("at now + 1 minute", "the at daemon, later"),
        ("at -l", ""),
        ("batch", "the at daemon, later"),
        ("sbatch train.sh", "the batch system"),
        ("srun --version", ""),
        ("sccache gcc -c a.c", "its server"),
        ("sccache --show-stats", ""),
        ("ssh box sort raw.csv", "another machine"),
        ("ssh -V", ""),
        ("python train.py docker run", ""),
        ("sh -c 'docker run image'", ""),
    ],
)
def test_the_program_and_its_subcommand_decide(command: str, worker: str) -> None:
    found = other_daemons([process(7, command)])
    name = shlex.split(command)[0]
    said = f"what others did for the job is not seen: {worker} for `{name}` (pid 7)"
    assert (found.message if found else "") == (said if worker else "")
    assert found is None or found.code == "other-daemon"


def test_the_program_that_was_executed_counts_and_not_what_it_calls_itself() -> None:
    assert other_daemons([process(7, "docker run image", exe="/usr/bin/podman")]) is None
    assert other_daemons([process(7, "x run image", exe="/opt/bin/docker")]) is not None
    assert other_daemons([types_pb2.Process(pid=7, argv=[b"docker", b"run"])]) is not None


@pytest.mark.parametrize("parent", ["git fetch", "rsync -a box:/data .", "scp box:x ."])
def test_programs_that_write_the_files_themselves_are_no_others(parent: str) -> None:
    assert other_daemons([process(7, parent), process(8, "ssh box x", parent=7)]) is None
    helper = process(7, "git fetch", exe="/usr/lib/git-core/git-remote-ssh")
    assert other_daemons([helper, process(8, "ssh box x", parent=7)]) is None


def test_one_program_in_several_processes_is_named_once_and_many_are_counted() -> None:
    twins = [process(7, "docker run image"), process(8, "docker run image", parent=7)]
    found = other_daemons(twins)
    assert found is not None
    assert found.message.count("docker`") == 1
    found = other_daemons([process(pid, "sbatch a.sh") for pid in range(10, 15)])
    assert found is not None
    assert found.message.endswith("(pid 10), the batch system for `sbatch` (pid 11), the batch system for `sbatch`"
                                  " (pid 12) and 2 more")  # fmt: skip
