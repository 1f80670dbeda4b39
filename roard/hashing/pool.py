"""The threads that read and digest files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from roard.hashing.digest import SMALL, Expected, FileDigest, Progress, digest_file

HELPERS = 2


class HashPool:
    """Digests files in the caller's thread and a few others. Shared by all projects and requests."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(HELPERS, thread_name_prefix="hash")

    def digest_all(
        self, wanted: Sequence[Expected], progress: Progress, algorithms: Sequence[str] = ()
    ) -> list[FileDigest | OSError]:
        """Returns for each file its digests, or why it cannot be read, in the order asked for.

        Only large files are spread over threads: over small ones they fight for Python's lock, and 10,000 take twice
        as long. The caller works along, so that nobody waits for a thread that is busy with another's files.
        """
        results: list[FileDigest | OSError] = [OSError()] * len(wanted)

        def work(todo: Iterable[int]) -> None:
            """Digests files until none is left. `todo` may be shared: its next one is one step under Python's lock."""
            for index in todo:
                try:
                    results[index] = digest_file(wanted[index], progress, algorithms)
                except OSError as error:
                    results[index] = error
                progress.add(files=1)

        large = [index for index, item in enumerate(wanted) if item.key.size > SMALL]
        todo = iter(large)
        helpers = min(HELPERS, len(large) - 1)
        started = [self._threads.submit(work, todo) for _ in range(helpers)]
        work(index for index, item in enumerate(wanted) if item.key.size <= SMALL)
        work(todo)
        for future in started:
            if not future.cancel():
                future.result()
        return results

    def close(self) -> None:
        """Ends the threads; a file being read is finished first."""
        self._threads.shutdown()
