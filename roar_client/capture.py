"""The capture matrix: truth programs, run on this machine with each backend, and what the records say of them.

In projects of their own, with a daemon of their own, so that neither the user's projects nor his daemon see anything.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from roar_client.errors import ClientError
from roar_client.runtime import SOCKET_PATH_MAX
from roar_truth.case_file import Case, load_cases
from roar_truth.judge import Verdict
from roar_truth.stage import scratch
from roar_truth.tool import Tool, run_case

IN_C = frozenset(
    {
        "exec_32_bit",
        "exec_static",
        "exec_static_pie",
        "io_uring_open",
        "kernel_copy_file_range",
        "mmap_shared_after_close",
        "proc_vfork",
        "raw_instruction",
        "rename_exchange_old_and_new",
        "seccomp_own_filter",
    }
)
"""Cases that must be compiled, left out without gcc: what backends differ in."""
_STOP_PATIENCE_S = 30


@dataclass(frozen=True)
class Row:
    """A case, and how it went with each backend."""

    case: Case
    verdicts: dict[str, Verdict]


def chosen_cases() -> list[Case]:
    """Returns the cases of the matrix, by name. Raises ClientError no-cases."""
    try:
        return [case for case in load_cases() if case.source.suffix != ".c" or case.name in IN_C]
    except FileNotFoundError as error:
        raise ClientError(
            "no-cases",
            "the truth programs are not there",
            cause=f"`{error.filename}`: {error.strerror}",
            hint="install roar again",
        ) from None


def run_matrix(
    roar: str, backends: Sequence[str], cases: Sequence[Case], progress: Callable[[int, int], None]
) -> list[Row]:
    """Returns a row for each case. progress: called with the verdicts that are there, and their number at the end.

    Takes about 0.15 s a case and backend on two cores. Whatever ends it, nothing of it stays.
    """
    with _laboratory(roar) as variables, _place() as place, scratch(place) as folder:
        template = Tool(roar, backends[0], variables).make_template(folder)
        # Until its probes have ended, a new daemon does not know what works.
        subprocess.run([roar, "tracer", "check"], env=os.environ | variables, capture_output=True, check=False)
        rows = [Row(case, {}) for case in cases]
        with _pool() as pool:
            futures: dict[Future[Verdict], tuple[Row, str]] = {}
            for row in rows:
                for backend in backends:
                    tool = Tool(roar, backend, variables)
                    futures[pool.submit(run_case, row.case, tool, folder, template)] = row, backend
            for done, future in enumerate(as_completed(futures), 1):
                row, backend = futures[future]
                row.verdicts[backend] = future.result()
                progress(done, len(futures))
    return rows


@contextlib.contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    """Yields threads; when something goes wrong, what they have not begun is not begun any more."""
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _laboratory(roar: str) -> Iterator[dict[str, str]]:
    """Yields variables with which `roar` meets nobody but a daemon that is ended afterwards."""
    home = tempfile.mkdtemp(prefix="roar-doctor-")
    if len(home) + len("/run/roard.sock") > SOCKET_PATH_MAX:
        os.rmdir(home)
        home = tempfile.mkdtemp(prefix="roar-doctor-", dir="/tmp")  # made with a name nobody can guess
    variables = {
        "ROAR_RUNTIME_DIR": os.path.join(home, "run"),
        "ROAR_DAEMON": "auto",
        "XDG_STATE_HOME": os.path.join(home, "state"),
    }
    try:
        yield variables
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [roar, "daemon", "stop"],
                env=os.environ | variables,
                capture_output=True,
                timeout=_STOP_PATIENCE_S,
                check=False,
            )
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def _place() -> Iterator[Path]:
    """Yields a folder for the projects of the cases: on the user's own disk, where his are too."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    place = Path(cache if cache.startswith("/") else Path.home() / ".cache") / "roar"
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError:
        place = Path(tempfile.gettempdir())
    with tempfile.TemporaryDirectory(prefix="doctor-", dir=place, ignore_cleanup_errors=True) as folder:
        yield Path(folder)
