"""`roard`: the daemon. It stays in the foreground; who starts it detaches it."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from roard.errors import RoarError
from roard.lifecycle import Start, announce, close_to_children, open_runtime_dir
from roard.log import open_log
from roard.notify import take_service_socket

# grpc's own log lines are for its developers, and the daemon has nowhere to print them.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the daemon until it is told to end; the exit status is 0, or 1 when it could not start."""
    parser = argparse.ArgumentParser(prog="roard", description="The daemon of roar; `roar daemon start` starts it.")
    parser.add_argument("--ready-fd", type=int, help="descriptor that is told `ok`, or `error: ...`, and closed")
    parser.add_argument("--private", action="store_true", help="serve one command, and end when standard input does")
    parser.add_argument("--version", action="store_true", help="print the version and end")
    options = parser.parse_args(arguments)
    if options.version:
        from roard.version import version

        sys.stdout.write(f"roard {version()}\n")
        return 0
    return _run(options.ready_fd, private=options.private)


def _run(ready_fd: int | None, *, private: bool) -> int:
    close_to_children(ready_fd)
    service = take_service_socket()
    os.umask(0o077)
    try:
        runtime = open_runtime_dir()
        lock = runtime.take_lock()
    except RoarError as error:
        announce(ready_fd, f"error: {error.fact}")
        sys.stderr.write(f"error[{error.reason}]: {error.fact}\n")
        return 1
    log_path = open_log(runtime.path, is_service=bool(service))
    try:
        _serve(Start(runtime, log_path, ready_fd, service, private))
    except Exception as error:  # the border of the process
        logging.getLogger(__name__).exception("the daemon ended by an error")
        announce(ready_fd, f"error: {error}")
        return 1
    finally:
        os.close(lock)
    return 0


def _serve(start: Start) -> None:
    import uvloop

    from roard import memory
    from roard.app import App

    memory.limit_heaps()

    async def serve() -> None:
        await App(start).serve()

    uvloop.run(serve())


if __name__ == "__main__":
    sys.exit(main())
