#: about = "find and xargs run many programs at once; the tree itself is only walked"
#: reads = ["tree/a.txt", "tree/deep/b.txt"]
#: writes = ["tree/a.txt.sum", "tree/deep/b.txt.sum", "names.txt"]
#: [before]
#: "tree/a.txt" = "a"
#: "tree/deep/b.txt" = "b"
#: "tree/deep/c.bin" = "not asked for"
set -e
find tree -name '*.txt' -print0 | xargs -0 -P 4 -I@ sh -c 'cksum < "@" > "@.sum"'
find tree -type f > names.txt
find tree -newer names.txt -exec cat {} +
