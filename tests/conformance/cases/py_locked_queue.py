#: about = "workers take jobs from a folder by renaming them: claimed, done, left over"
#: reads = ["todo/{1..4}"]
#: writes = ["done/{1..4}", "results/{1..4}"]
#: setup = "mkdir done results claimed"
#: [before]
#: "todo/{1..4}" = "work\n"
#: "later/5" = "work\n"
import os
from contextlib import suppress
from pathlib import Path


def work(worker: int) -> None:
    for name in sorted(os.listdir("todo")):
        claimed = f"claimed/{name}"
        with suppress(FileNotFoundError):
            os.rename(f"todo/{name}", claimed)
            Path(f"results/{name}").write_text(Path(claimed).read_text() + str(worker))
            os.rename(claimed, f"done/{name}")


children = []
for number in range(2):
    child = os.fork()
    if child == 0:
        work(number)
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
