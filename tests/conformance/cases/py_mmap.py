#: about = "the mmap module: changed, read, and copied on write"
#: reads = ["changed.bin", "read.bin", "private.bin"]
#: writes = ["changed.bin"]
#: [before]
#: "changed.bin" = "0123456789"
#: "read.bin" = "0123456789"
#: "private.bin" = "0123456789"
import mmap

with open("changed.bin", "r+b") as changed:
    shared = mmap.mmap(changed.fileno(), 0)
shared[0:1] = b"X"
shared.close()
with open("read.bin", "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
    view.find(b"5")
with open("private.bin", "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as view:
    view[0:1] = b"X"
