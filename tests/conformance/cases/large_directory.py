#: about = "a directory of three thousand files is listed and looked at; one of them is read"
#: setup = "mkdir pile; cd pile; for i in $(seq 3000); do : > $i; done; echo it > 1234"
#: reads = ["pile/1234"]
#: writes = ["found.txt"]
import os

sizes = {entry.name: entry.stat().st_size for entry in os.scandir("pile")}
names = [name for name, size in sizes.items() if size and os.path.isfile(f"pile/{name}")]
with open(f"pile/{names[0]}") as source, open("found.txt", "w") as target:
    target.write(source.read())
