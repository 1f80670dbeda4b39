#: about = "tempfile in the project: deleted, kept, renamed into place, spooled"
#: reads = ["config.json"]
#: writes = ["config.json", "kept_{1..2}.txt"]
#: [before]
#: "config.json" = "{\"lr\": 0.1}"
import json
import os
import tempfile

with open("config.json") as file:
    config = json.load(file)
with tempfile.NamedTemporaryFile("w", dir=".", delete=False) as new:
    json.dump({**config, "lr": 0.01}, new)
    new.flush()
    os.fsync(new.fileno())
os.replace(new.name, "config.json")
with tempfile.NamedTemporaryFile(dir=".") as gone, tempfile.TemporaryFile(dir=".") as unnamed:
    gone.write(b"g")
    unnamed.write(b"u")
with tempfile.SpooledTemporaryFile(max_size=4, dir=".") as spooled:
    spooled.write(b"more than four bytes")
with tempfile.TemporaryDirectory(dir=".") as folder:
    for number in (1, 2):
        path = os.path.join(folder, "part")
        with open(path, "w") as part:
            part.write(str(number))
        os.rename(path, f"kept_{number}.txt")
