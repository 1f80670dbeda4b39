"""What makes a process fit for work beside a job that must not cost the job anything."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal

_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
"""Numbers of the system call, which no library wraps; see ioprio_set(2) for the two below."""
_WHO_PROCESS = 1
_CLASS_IDLE = 3 << 13
_NICE = 19
_PR_SET_PDEATHSIG = 1


def become_idle() -> None:
    """Has the process run, and read, only when nobody else wants to, as far as the system knows how. For good.

    The calling thread and those that it starts from now on: to be called before there are others.
    """
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    # Where there is no idle class, and for what looks at it all the same.
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    number = _IOPRIO_SET.get(platform.machine())
    if number is not None and platform.system() == "Linux":
        ctypes.CDLL(None).syscall(number, _WHO_PROCESS, 0, _CLASS_IDLE)


def end_with_parent() -> None:
    """Has the process killed when the thread that started it ends, whatever it is doing; on Linux only."""
    if platform.system() == "Linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
