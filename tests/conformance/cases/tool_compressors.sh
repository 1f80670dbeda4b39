#: about = "gzip, bzip2, xz: beside, instead of, and out of a file"
#: needs = ["program:bzip2", "program:xz"]
#: setup = "printf packed > old; gzip old"
#: reads = ["keep.txt", "swap.txt", "bz.txt", "xz.txt", "old.gz"]
#: writes = ["keep.txt.gz", "swap.txt.gz", "bz.txt.bz2", "xz.txt.xz", "old", "shown.txt"]
#: [before]
#: "keep.txt" = "1"
#: "swap.txt" = "2"
#: "bz.txt" = "3"
#: "xz.txt" = "4"
set -e
gzip -k keep.txt
gzip swap.txt
bzip2 bz.txt
xz -k xz.txt
gunzip old.gz
zcat keep.txt.gz > shown.txt
