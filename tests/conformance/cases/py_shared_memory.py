#: about = "shared memory, queues and locks between processes are no files of the project"
#: tolerated = ["still-running"]
#: reads = ["in.txt"]
#: writes = ["out.txt"]
#: [before]
#: "in.txt" = "12345"
import multiprocessing
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

Fork = multiprocessing.get_context("fork")


def work(name: str) -> None:
    memory = SharedMemory(name)
    view = memory.buf
    assert view
    Path("out.txt").write_bytes(bytes(view[:5]))
    view.release()
    memory.close()


if __name__ == "__main__":
    memory = SharedMemory(create=True, size=16)
    view = memory.buf
    assert view
    view[:5] = Path("in.txt").read_bytes()
    view.release()
    worker = Fork.Process(target=work, args=(memory.name,))
    worker.start()
    worker.join()
    memory.close()
    memory.unlink()
