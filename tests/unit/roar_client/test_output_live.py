"""Runs in flight as people see them."""

from __future__ import annotations

import io
import sys

import pyte
import pytest
from roar_proto.v1 import daemon_pb2, live_pb2

from roar_client.output import block, human
from roar_client.output.block import Block
from roar_client.output.live import progress_line, run_table, watch_lines
from roar_client.output.text import Line, line

SECOND_NS = 1_000_000_000
START_NS = 1_700_000_000 * SECOND_NS
MIB = 1 << 20


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(human, "now_ns", lambda: START_NS + 130 * SECOND_NS)


def live(cpu_s: int = 65, read: int = 100 * MIB, at_s: int = 10) -> live_pb2.LiveRun:
    run = daemon_pb2.RunInFlight(
        run_id="1",
        project_root=b"/home/ada/digits",
        argv=[b"python", b"train.py", b"-t", "ö\n".encode()],
        started_at_ns=START_NS,
        launcher_pid=4711,
        files_seen=214,
        files_hashed=120,
        bytes_hashed=3 * MIB,
    )
    usage = live_pb2.TreeUsage(
        processes=3,
        threads=12,
        cpu_ns=cpu_s * SECOND_NS,
        rss_bytes=1200 * MIB,
        read_bytes=read,
        written_bytes=5 * MIB,
        at_ns=at_s * SECOND_NS,
    )
    files = [
        live_pb2.OpenFile(path=b"/home/ada/digits/last.pt", size=5 * MIB, position=5 * MIB, written=True),
        live_pb2.OpenFile(path=b"/data/train.csv", size=200 * MIB, position=90 * MIB),
        live_pb2.OpenFile(path=b"/data/empty", size=0),
    ]
    return live_pb2.LiveRun(run=run, cwd=b"/home/ada/digits", step_name="fit", usage=usage, open_files=files)


def ended() -> live_pb2.LiveRun:
    recording = live()
    recording.run.ingesting = True
    recording.ClearField("usage")
    recording.ClearField("open_files")
    return recording


def text(lines: list[Line]) -> str:
    return "".join("".join(span.text for span in spans).rstrip() + "\n" for spans in lines)


def test_a_line_for_each_run() -> None:
    assert text(run_table([live(), ended()], projects=True)) == (
        "PID   STATE      TIME   CPU  MEMORY   READ       WRITTEN  PROJECT           COMMAND\n"
        "4711  running    2m10s  50%  1.2 GiB  100.0 MiB  5.0 MiB  /home/ada/digits  python train.py -t 'ö\\n'\n"
        "4711  recording  2m10s  -    -        -          -        /home/ada/digits  python train.py -t 'ö\\n'\n"
    )
    assert run_table([], projects=False) == []


def test_a_screen_for_one() -> None:
    assert text(watch_lines(live(cpu_s=67, read=124 * MIB, at_s=12), live())) == (
        "python train.py -t 'ö\\n'\n"
        "running for 2m10s · pid 4711 · fit\n"
        "  cpu        100%, 1m07s in all\n"
        "  memory     1.2 GiB\n"
        "  processes  3, 12 threads\n"
        "  read       124.0 MiB (12.0 MiB/s)\n"
        "  written    5.0 MiB\n"
        "  files      214 seen, 120 hashed, 3.0 MiB\n"
        "  writes  5.0 MiB           last.pt\n"
        "  reads   45% of 200.0 MiB  /data/train.csv\n"
        "  reads   0 B               /data/empty\n"
    )


def test_a_line_in_a_log() -> None:
    assert text([progress_line(ended(), live())]) == ("recording for 2m10s · files 214 seen, 120 hashed, 3.0 MiB\n")


def test_counters_that_shrink_are_no_rate() -> None:
    assert "(" not in text([progress_line(live(cpu_s=1, read=MIB, at_s=12), live())])


class Terminal(io.StringIO):
    """A stdout that a person reads."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_block_is_written_over_also_after_the_terminal_became_narrower(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "20")
    shown = Block()
    shown.show([line("a" * 18), line("short")])
    monkeypatch.setenv("COLUMNS", "10")
    monkeypatch.setattr(block, "terminal_width", lambda: 10)
    written = out.getvalue()
    shown.show([line("b" * 18)])
    # A terminal that wraps anew shows the first lines on three rows.
    screen = pyte.Screen(10, 6)
    stream = pyte.Stream(screen)
    stream.feed((written + out.getvalue().removeprefix(written)).replace("\n", "\r\n"))
    assert [row.rstrip() for row in screen.display if row.strip()] == ["b" * 9 + "…"]
