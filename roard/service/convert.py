"""Errors and runs in flight as messages of the contract. Jobs, sessions and graphs are made by query/ as messages."""

from __future__ import annotations

import time
from collections.abc import Mapping

from roar_proto.v1 import daemon_pb2, jobs_pb2, live_pb2, tracers_pb2, types_pb2

from roard.errors import RoarError
from roard.hashing.digest import Progress
from roard.supervision.plan import AUTO, Probed, choose
from roard.supervision.process_tree import Look, OpenFile, Usage
from roard.supervision.runs import InFlight
from roard.supervision.tracers import BLIND_TO


def error_to_pb(error: RoarError) -> types_pb2.ErrorInfo:
    """Returns what travels in the trailing metadata; the fact is the status message."""
    return types_pb2.ErrorInfo(reason=error.reason, cause=error.cause, hint=error.hint, exit_code=error.exit_code)


def progress_to_pb(progress: Progress) -> jobs_pb2.HashProgress:
    """Returns how far the hashing of a run is."""
    return jobs_pb2.HashProgress(
        files_done=progress.files_done,
        files_total=progress.files_total,
        bytes_done=progress.bytes_done,
        bytes_total=progress.bytes_total,
    )


def flight_to_pb(flight: InFlight) -> daemon_pb2.RunInFlight:
    """Returns a run that is not recorded yet."""
    recording = flight.ingest.progress if flight.ingest else None
    return daemon_pb2.RunInFlight(
        run_id=flight.run.run_id,
        project_root=flight.root,
        argv=flight.record.argv,
        started_at_ns=flight.record.started_at_ns,
        launcher_pid=flight.record.launcher_pid,
        ingesting=recording is not None,
        bytes_hashed=flight.early.bytes_done + (recording.bytes_done if recording else 0),
        files_hashed=(recording or flight.early).files_done,
        phase=daemon_pb2.RUN_PHASE_RECORDING if recording else daemon_pb2.RUN_PHASE_RUNNING,
        files_seen=flight.files_seen,
        elapsed_ns=max(time.time_ns() - flight.record.started_at_ns, 0),
    )


def live_run_to_pb(flight: InFlight, look: Look) -> live_pb2.LiveRun:
    """Returns a run that is not recorded yet, and its processes."""
    return live_pb2.LiveRun(
        run=flight_to_pb(flight),
        cwd=flight.record.cwd,
        kind=flight.record.kind,
        step_name=flight.record.step_name,
        usage=_usage_to_pb(look.usage) if look.usage else None,
        open_files=[_open_file_to_pb(file) for file in look.files],
    )


def _usage_to_pb(usage: Usage) -> live_pb2.TreeUsage:
    return live_pb2.TreeUsage(
        processes=usage.processes,
        threads=usage.threads,
        cpu_ns=usage.cpu_ns,
        rss_bytes=usage.rss_bytes,
        read_bytes=usage.read_bytes,
        written_bytes=usage.written_bytes,
        at_ns=usage.at_ns,
    )


def _open_file_to_pb(file: OpenFile) -> live_pb2.OpenFile:
    return live_pb2.OpenFile(path=file.path, size=file.size, position=file.position, written=file.written)


def tracer_to_pb(name: str, known: Mapping[str, Probed]) -> tracers_pb2.Tracer:
    """Returns what is known of a backend, which was probed."""
    probed = known[name]
    return tracers_pb2.Tracer(
        name=name,
        usable=probed.usable,
        reason=probed.reason,
        hint=probed.hint,
        blind_to=BLIND_TO[name],
        picked_by_auto=choose(AUTO, known) == name,
        probed_at_ns=probed.at_ns,
        probe_ns=probed.took_ns,
    )
