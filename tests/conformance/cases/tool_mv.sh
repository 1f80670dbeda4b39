#: about = "mv within a file system: over a file, with a backup, of a tree, and refused"
#: setup = "mkdir target"
#: reads = ["a.txt", "b.txt", "saved.txt", "tree/c.txt"]
#: writes = ["over.txt", "saved.txt", "saved.txt~", "target/tree/c.txt"]
#: [before]
#: "a.txt" = "a"
#: "b.txt" = "b"
#: "over.txt" = "o"
#: "saved.txt" = "s"
#: "stays.txt" = "t"
#: "tree/c.txt" = "c"
set -e
mv a.txt over.txt
mv -b b.txt saved.txt
mv tree target/
mv -n stays.txt over.txt || test -f stays.txt
