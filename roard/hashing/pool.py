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

    def digest_all(self, wanted: Sequence[Expected], progress: Progress) -> list[FileDigest | OSError]:
        """Returns for each file its digest, or why it cannot be read, in the order asked for.

        Only large files are spread over threads: over small ones they fight for Python's lock, and 10,000 take twice
        as long. The caller works along, so that nobody waits for a thread that is busy with another's files.
        """
        results: list[FileDigest | OSError] = [OSError()] * len(wanted)
        large = [index for index, item in enumerate(wanted) if item.key.size > SMALL]
        todo = iter(large)
        helpers = min(HELPERS, len(large) - 1)
        started = [self._threads.submit(_work, wanted, todo, results, progress) for _ in range(helpers)]
        small = (index for index, item in enumerate(wanted) if item.key.size <= SMALL)
        _work(wanted, small, results, progress)
        _work(wanted, todo, results, progress)
        for future in started:
            if not future.cancel():
                future.result()
        return results

    def close(self) -> None:
        """Ends the threads; a file being read is finished first."""
        self._threads.shutdown()


def _work(
    wanted: Sequence[Expected], todo: Iterable[int], results: list[FileDigest | OSError], progress: Progress
) -> None:
    """Digests files until none is left. `todo` may be shared: the next of a list is one step under Python's lock."""
    for index in todo:
        try:
            results[index] = digest_file(wanted[index], progress)
        except OSError as error:
            results[index] = error
        progress.add(files=1)
