"""`roard`: the daemon. It stays in the foreground; who starts it detaches it."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from roard.errors import RoarError
from roard.lifecycle import RuntimeDir, announce, close_to_children, open_log, open_runtime_dir

# grpc's own log lines are for its developers, and the daemon has nowhere to print them.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the daemon until it is told to end; the exit status is 0, or 1 when it could not start."""
    parser = argparse.ArgumentParser(prog="roard", description="The daemon of roar; `roar daemon start` starts it.")
    parser.add_argument("--ready-fd", type=int, help="descriptor that is told `ok`, or `error: ...`, and closed")
    parser.add_argument("--version", action="store_true", help="print the version and end")
    options = parser.parse_args(arguments)
    if options.version:
        from roard.version import version

        sys.stdout.write(f"roard {version()}\n")
        return 0
    return _run(options.ready_fd)


def _run(ready_fd: int | None) -> int:
    close_to_children(ready_fd)
    os.umask(0o077)
    try:
        runtime = open_runtime_dir()
        lock = runtime.take_lock()
    except RoarError as error:
        announce(ready_fd, f"error: {error.fact}")
        sys.stderr.write(f"error[{error.reason}]: {error.fact}\n")
        return 1
    log_path = open_log(runtime)
    try:
        _serve(runtime, log_path, ready_fd)
    except Exception as error:  # the border of the process
        logging.getLogger(__name__).exception("the daemon ended by an error")
        announce(ready_fd, f"error: {error}")
        return 1
    finally:
        os.close(lock)
    return 0


def _serve(runtime: RuntimeDir, log_path: bytes, ready_fd: int | None) -> None:
    import uvloop

    from roard import memory
    from roard.app import App

    memory.limit_heaps()

    async def serve() -> None:
        await App(runtime, log_path).serve(ready_fd)

    uvloop.run(serve())


if __name__ == "__main__":
    sys.exit(main())
