#: about = "executors: threads and processes that share results through files"
#: reads = ["in.txt"]
#: writes = ["thread{0..5}.txt", "process{0..2}.txt", "total.txt"]
#: [before]
#: "in.txt" = "5"
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path


def in_thread(number: int) -> int:
    return Path(f"thread{number}.txt").write_text(Path("in.txt").read_text() * number)


def in_process(number: int) -> int:
    return Path(f"process{number}.txt").write_text(Path(f"thread{number}.txt").read_text())


if __name__ == "__main__":
    with ThreadPoolExecutor(4) as threads:
        sizes = list(threads.map(in_thread, range(6)))
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as processes:
        sizes += list(processes.map(in_process, range(3)))
    Path("total.txt").write_text(str(sum(sizes)))
