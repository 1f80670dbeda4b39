"""The daemon is killed at random moments, while clients record or while runs are under way: nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from statistics import median

from crash_kit import Recording, is_gone, recording
from daemon_kit import Daemon, wait_for
from figures import figure, seeded
from launcher_kit import answer, daemon_pid, run, written

CLIENTS = 8
MOST_WAIT_S = 2.0
MOST_WAIT_STARTS = 15.0
"""On a machine that others keep busy: as a multiple of what the daemon takes to be ready. Twice what was measured."""
IN_FLIGHT = 16


def record_until(stop: threading.Event, daemon: Daemon, jobs: Recording) -> None:
    """Records job after job; one that was not acknowledged is left to the daemon, or asked for again."""
    again = None
    while not stop.is_set():
        run = again or jobs.sealed()
        done = jobs.finish(daemon, run)
        # Every other one is asked for again: the same bytes under the same id.
        again = run if not done and again is None else None
        if not done:
            stop.wait(0.02)


def test_kills_at_random_moments_lose_tear_and_double_nothing(tmp_path: Path) -> None:
    chance = seeded("daemon kills")
    kills = figure(60, 2000)
    starts, waits = [], []
    with recording(tmp_path.resolve() / "project") as (daemon, jobs):
        stop = threading.Event()
        clients = [threading.Thread(target=record_until, args=(stop, daemon, jobs)) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            for _ in range(kills):
                stop.wait(chance.uniform(0, 0.2))
                daemon.process.kill()
                daemon.process.wait()
                daemon.channel.close()
                began = time.monotonic()
                daemon.start()
                ready = time.monotonic()
                daemon.list_jobs(jobs.root)
                starts.append(ready - began)
                waits.append(time.monotonic() - ready)
        finally:
            stop.set()
            for client in clients:
                client.join()
        wait_for(lambda: all(map(is_gone, jobs.runs)), "what was left to record")
        acknowledged = len(jobs.acknowledged)
        for run in jobs.runs:
            # Whoever was not answered gets a record all the same.
            jobs.note(run)
        daemon.end()
        jobs.check()
    print(f"{kills} kills, {len(jobs.runs)} jobs, {acknowledged} acknowledged")
    print(f"ready in {median(starts):.2f} s, next call in {median(waits):.2f} s, at worst {max(waits):.2f} s")
    assert acknowledged > kills / 2
    # At worst several times as long where other tests have the cores.
    assert median(waits) < max(MOST_WAIT_S, MOST_WAIT_STARTS * median(starts))


def test_runs_in_flight_do_not_notice_and_are_all_recorded(project: Path) -> None:
    run("roar", "run", "true", cwd=project)
    fifo = project / "data"
    os.mkfifo(fifo)
    gate = os.open(fifo, os.O_RDWR)
    script = "read line < data; echo $0 > out$0; echo said $0; exit $0"
    processes = [
        subprocess.Popen(
            ["roar", "run", "sh", "-c", script, str(number)],
            cwd=project,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number in range(IN_FLIGHT)
    ]
    runs = project / ".roar" / "runs"
    wait_for(lambda: len(list(runs.glob("*-*/record"))) == IN_FLIGHT, "the runs")
    wait_for(lambda: len(answer(project, "status")["running"]) == IN_FLIGHT, "the daemon to know them")
    os.kill(daemon_pid(project), signal.SIGKILL)
    # An empty line each.
    os.write(gate, b"\n" * IN_FLIGHT)
    os.close(gate)
    for number, process in enumerate(processes):
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (number, b"said %d\n" % number), err
        assert b"job " in err
    recorded = {
        job["exit_code"]: job for job in answer(project, "log", "-n", "50")["jobs"] if job["command"][0] == "sh"
    }
    assert set(recorded) == set(range(IN_FLIGHT))
    for number, job in recorded.items():
        assert written(answer(project, "show", job["id"])) == [f"out{number}"]
