"""What a daemon finds out about backends, and how runs are planned by it. The launcher is a script of the test."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from daemon_kit import Daemon, Run, refusal, running_daemon, scripted_launcher, wait_for
from roar_proto.v1 import tracers_pb2 as pb


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Holds a file for every backend that does not work, with the reason."""
    (tmp_path / "tracers").mkdir()
    return tmp_path / "tracers"


@pytest.fixture
def daemon(folder: Path) -> Iterator[Daemon]:
    (folder / "ebpf").write_text("EPERM at load\n")
    with running_daemon({"ROAR_LAUNCHER": str(scripted_launcher(folder))}) as running:
        yield running


@pytest.fixture
def root(daemon: Daemon, tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "project"
    root.mkdir()
    daemon.init(root)
    return root


def known(daemon: Daemon, root: Path | None = None) -> pb.GetTracersResponse:
    request = pb.GetTracersRequest(project_root=bytes(root) if root else b"")
    return daemon.tracers.GetTracers(request, metadata=daemon.metadata)


def check(daemon: Daemon, name: str = "") -> dict[str, str]:
    response = daemon.tracers.CheckTracers(pb.CheckTracersRequest(name=name), metadata=daemon.metadata)
    return {tracer.name: tracer.reason for tracer in response.tracers}


def test_every_backend_is_probed_once_without_being_asked(daemon: Daemon, folder: Path) -> None:
    wait_for(lambda: (folder / "calls").exists() and "ptrace" in (folder / "calls").read_text(), "the probes")
    response = known(daemon)
    assert [(tracer.name, tracer.usable, tracer.reason) for tracer in response.tracers] == [
        ("ebpf", False, "EPERM at load"),
        ("preload", True, ""),
        ("ptrace", True, ""),
    ]
    assert [tracer.name for tracer in response.tracers if tracer.picked_by_auto] == ["preload"]
    assert all(tracer.probed_at_ns and tracer.probe_ns and tracer.blind_to for tracer in response.tracers)
    assert (response.default_tracer, response.fallback, response.chosen) == ("auto", True, "preload")
    assert (folder / "calls").read_text().split() == ["ebpf", "preload", "ptrace"]


def test_a_check_probes_anew_and_later_runs_are_planned_by_it(daemon: Daemon, folder: Path, root: Path) -> None:
    known(daemon)
    assert daemon.begin(Run(root)).tracer == "preload"
    (folder / "preload").write_text("warm up\nno shim\n")
    assert daemon.begin(Run(root)).tracer == "preload"
    assert check(daemon, "preload") == {"preload": "no shim"}
    assert daemon.begin(Run(root)).tracer == "ptrace"
    (folder / "ebpf").unlink()
    assert check(daemon) == {"ebpf": "", "preload": "no shim", "ptrace": ""}
    assert daemon.begin(Run(root)).tracer == "ebpf"


def test_a_collector_that_ends_is_not_planned_with_until_it_is_back(daemon: Daemon, folder: Path, root: Path) -> None:
    known(daemon)
    (folder / "ebpf").unlink()
    assert check(daemon, "ebpf") == {"ebpf": ""}
    assert daemon.begin(Run(root)).tracer == "ebpf"
    (folder / "ebpf").write_text("gone\n")
    os.kill(int((folder / "pid").read_text()), signal.SIGKILL)
    wait_for(lambda: daemon.begin(Run(root)).tracer == "preload", "the plan without it")
    (folder / "ebpf").unlink()
    assert check(daemon, "ebpf") == {"ebpf": ""}
    assert daemon.begin(Run(root)).tracer == "ebpf"


def test_a_wish_that_cannot_be_met_is_a_warning_or_a_refusal(daemon: Daemon, root: Path) -> None:
    known(daemon)
    begun = daemon.begin(Run(root, tracer_wanted="ebpf"))
    assert (begun.tracer, begun.tracer_required, [w.code for w in begun.warnings]) == (
        "preload",
        False,
        ["tracer-fallback"],
    )
    (root / ".roar/config.toml").write_text("tracer.fallback = false\n")
    with pytest.raises(grpc.RpcError) as caught:
        daemon.begin(Run(root, tracer_wanted="ebpf"))
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    refused = refusal(caught.value)
    assert (refused.reason, refused.cause, refused.exit_code) == ("tracer-unavailable", "EPERM at load", 125)
    assert daemon.begin(Run(root)).tracer_required


def test_the_default_of_a_project_is_set_and_read(daemon: Daemon, root: Path) -> None:
    request = pb.SetDefaultTracerRequest(project_root=bytes(root), name="ebpf")
    response = daemon.tracers.SetDefaultTracer(request, metadata=daemon.metadata)
    assert (response.path, response.chosen) == (bytes(root / ".roar/config.toml"), "preload")
    assert (known(daemon, root).default_tracer, known(daemon, root).chosen) == ("ebpf", "preload")


@pytest.mark.parametrize(("name", "reason"), [("dtrace", "unknown-tracer"), ("ptrace", "no-project")])
def test_what_cannot_be_set_is_refused(daemon: Daemon, tmp_path: Path, name: str, reason: str) -> None:
    request = pb.SetDefaultTracerRequest(project_root=bytes(tmp_path.resolve()), name=name)
    with pytest.raises(grpc.RpcError) as caught:
        daemon.tracers.SetDefaultTracer(request, metadata=daemon.metadata)
    assert refusal(caught.value).reason == reason
    with pytest.raises(grpc.RpcError) as caught:
        check(daemon, "auto")
    assert refusal(caught.value).reason == "unknown-tracer"
