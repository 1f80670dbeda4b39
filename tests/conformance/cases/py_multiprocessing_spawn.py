#: about = "workers that start as new interpreters"
#: tolerated = ["still-running"]
#: reads = ["in{0..3}.txt"]
#: writes = ["out{0..3}.txt"]
#: [before]
#: "in{0..3}.txt" = "part\n"
import multiprocessing
from pathlib import Path


def work(number: int) -> int:
    return Path(f"out{number}.txt").write_text(Path(f"in{number}.txt").read_text() + str(number))


if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(work, range(4))
        pool.close()
        pool.join()
