#: about = "every mode of open(), with and without buffering and encodings"
#: reads = ["r.txt", "rb.bin", "rplus.txt", "aplus.txt"]
#: writes = ["rplus.txt", "aplus.txt", "a.txt", "w.txt", "wplus.txt", "x.txt"]
#: [before]
#: "r.txt" = "r"
#: "rb.bin" = "rb"
#: "rplus.txt" = "r+"
#: "aplus.txt" = "a+"
#: "a.txt" = "a"
#: "w.txt" = "w"
#: "wplus.txt" = "w+"
#: "x_taken.txt" = "x"
from contextlib import suppress

with open("r.txt", encoding="utf-8") as file:
    file.read()
with open("rb.bin", "rb", buffering=0) as raw:
    raw.read(1)
for name, mode in (("rplus", "r+"), ("aplus", "a+"), ("a", "a"), ("w", "w"), ("wplus", "w+"), ("x", "x")):
    with open(f"{name}.txt", mode) as file:
        file.write("written")
with suppress(FileExistsError), open("x_taken.txt", "x"):
    pass
