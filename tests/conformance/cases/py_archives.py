#: about = "zipfile and tarfile: a new archive, an old one that grows, extraction, a stream"
#: setup = "\"$PYTHON\" -c \"import zipfile; zipfile.ZipFile('old.zip', 'w').writestr('x.txt', 'x')\""
#: reads = ["a.txt", "old.zip"]
#: writes = ["new.zip", "old.zip", "out/a.txt", "stream.tar.gz", "x.txt"]
#: [before]
#: "a.txt" = "a"
import tarfile
import zipfile

with zipfile.ZipFile("new.zip", "w") as pack:
    pack.write("a.txt")
with zipfile.ZipFile("new.zip") as pack:
    pack.extractall("out")
with zipfile.ZipFile("old.zip", "a") as pack:
    pack.write("a.txt", "added.txt")
    pack.extract("x.txt")
with tarfile.open("stream.tar.gz", "w|gz") as stream:
    stream.add("a.txt")
