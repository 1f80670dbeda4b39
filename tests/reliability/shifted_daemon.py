"""Starts a daemon whose wall clock is off by what a file says: `python shifted_daemon.py FILE python -m roard ...`.

The file holds nanoseconds, and may be changed while the daemon runs, as a clock may be set.
"""

from __future__ import annotations

import runpy
import sys
import time
from pathlib import Path

OFFSET = Path(sys.argv[1])
_true_time_ns = time.time_ns


def _time_ns() -> int:
    return _true_time_ns() + int(OFFSET.read_text())


time.time_ns = _time_ns
time.time = lambda: _time_ns() / 1e9
sys.argv = sys.argv[sys.argv.index("roard") :]
runpy.run_module("roard", run_name="__main__", alter_sys=True)
