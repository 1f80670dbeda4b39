#: about = "mv between file systems copies and removes: out of the project and back into it"
#: needs = ["folder:/dev/shm"]
#: reads = ["out.txt", "tree/a.txt"]
#: unhashed = ["out.txt", "tree/a.txt"]
#: writes = ["back.txt", "tree_back/a.txt"]
#: [before]
#: "out.txt" = "1"
#: "tree/a.txt" = "2"
set -e
there=$(mktemp -d /dev/shm/roar-case.XXXXXX)
trap 'rm -rf "$there"' EXIT
mv out.txt tree "$there"
mv "$there/out.txt" back.txt
mv "$there/tree" tree_back
