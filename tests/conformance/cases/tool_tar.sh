#: about = "tar: create, append, update, extract over old files, to a pipe"
#: reads = ["src/a.txt", "src/b.txt", "more.txt", "old.tar"]
#: writes = ["pack.tar", "out/src/a.txt", "out/src/b.txt", "out/more.txt", "old.tar", "piped.txt"]
#: setup = "mkdir -p out/src; echo stale > out/src/a.txt; tar cf old.tar -C src a.txt"
#: [before]
#: "src/a.txt" = "1"
#: "src/b.txt" = "2"
#: "more.txt" = "3"
set -e
tar cf pack.tar src
tar rf pack.tar more.txt
tar xf pack.tar -C out
tar rf old.tar more.txt
tar xOf old.tar a.txt > piped.txt
