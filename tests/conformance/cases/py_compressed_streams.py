#: about = "gzip, bz2 and lzma files, read and written through the standard library"
#: setup = "printf content | gzip > in.gz"
#: reads = ["in.gz"]
#: writes = ["out.gz", "out.bz2", "out.xz"]
import bz2
import gzip
import lzma

with gzip.open("in.gz") as file:
    content = file.read()
for module, name in ((gzip, "out.gz"), (bz2, "out.bz2"), (lzma, "out.xz")):
    with module.open(name, "wb") as out:
        out.write(content)
