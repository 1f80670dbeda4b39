"""`roar gc`, and what other commands say of outputs that were restored or kept."""

from __future__ import annotations

import os
import shutil

from cli_kit import Cli, Recorder, validate
from daemon_kit import Daemon, Run, read_of, write_of
from roar_proto.v1 import jobs_pb2

from roard.run_cache.surroundings import project_key, surroundings_of


def restored(recorder: Recorder, daemon: Daemon) -> tuple[str, str]:
    """Records a job whose output is kept, and a run of it that was spared; returns both ids."""
    root = recorder.root
    recorder.put({"raw.csv": "1", "model": "11"})
    environment = surroundings_of([], project_key(bytes(root / ".roar" / "objects")))
    run = Run(root, surroundings=environment).seal([read_of(root / "raw.csv")], [write_of(root / "model")])
    first = daemon.finish(run).uid
    spared = Run(root)
    # A launcher asks before it makes one.
    shutil.rmtree(spared.path)
    request = jobs_pb2.RestoreCachedRequest(record=spared.record)
    *_, last = daemon.jobs.RestoreCached(request, metadata=daemon.metadata)
    return first, last.restored.job.uid


def test_a_spared_run_is_shown_as_such(recorder: Recorder, cli: Cli, shared_daemon: Daemon) -> None:
    first, second = restored(recorder, shared_daemon)
    assert f"  cached     not run: its outputs are those of job {first}\n" in cli("show", second).out
    row = next(row for row in cli("log").out.splitlines() if row.startswith(second))
    assert "ok, cached" in row
    job = cli("show", second, "--json").json
    validate("show", job)
    assert (job["cached_from"], job["duration_s"]) == (first, 0)
    validate("log", cli("log", "--json").json)


def test_gc_removes_what_no_job_needs_and_says_what_stays(recorder: Recorder, cli: Cli, shared_daemon: Daemon) -> None:
    assert cli("gc").out == "nothing to remove\n0 outputs (0 B) kept\n"
    restored(recorder, shared_daemon)
    assert "objects  1 kept output, 2 B" in cli("db", "info").out
    (kept,) = (recorder.root / ".roar" / "objects").glob("??/*")
    other = kept.parent.with_name("00") / ("0" * 64)
    other.parent.mkdir()
    other.write_text("abc")
    os.utime(other, (1, 1))
    for dry_run, word in ((["--dry-run"], "would be removed"), ([], "removed")):
        document = cli("gc", "--dry-run", "--json").json
        validate("gc", document)
        assert (document["dry_run"], document["unused"]) == (True, {"number": 1, "size": 3})
        said = cli("gc", *dry_run).out
        assert said == f"1 output (3 B) that no job can be restored from {word}\n1 output (2 B) kept\n"
    assert (other.exists(), kept.exists()) == (False, True)
    config = recorder.root / ".roar" / "config.toml"
    config.write_text('[cache]\nmax_size = "1 B"\n')
    assert cli("gc").out == "1 output (2 B) beyond the limit of 1 B removed\n0 outputs (0 B) kept\n"
    validate("db", cli("db", "info", "--json").json)
