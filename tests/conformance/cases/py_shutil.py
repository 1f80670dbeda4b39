#: about = "shutil: trees copied, moved and removed, archives, in-place replacement"
#: reads = ["tree/a.txt", "tree/deep/b.txt", "one.txt", "moved/c.txt"]
#: writes = [
#:   "copy/a.txt", "copy/deep/b.txt", "two.txt", "there/c.txt", "pack.zip", "unpacked/a.txt", "unpacked/deep/b.txt",
#: ]
#: [before]
#: "tree/a.txt" = "a"
#: "tree/deep/b.txt" = "b"
#: "one.txt" = "1"
#: "moved/c.txt" = "c"
#: "dropped/d.txt" = "d"
import shutil

shutil.copytree("tree", "copy")
shutil.copy2("one.txt", "two.txt")
shutil.move("moved", "there")
shutil.make_archive("pack", "zip", "copy")
shutil.unpack_archive("pack.zip", "unpacked")
shutil.rmtree("dropped")
