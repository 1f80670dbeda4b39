#: about = "cp: with times, of trees, as hard and symbolic links, over old files"
#: setup = "ln -s a.txt tree/link"
#: reads = ["one.txt", "tree/a.txt", "tree/deep/b.txt", "hard.txt"]
#: writes = ["kept_times.txt", "copy/a.txt", "copy/deep/b.txt", "hard_alias.txt", "old.txt", "cloned.txt"]
#: [before]
#: "one.txt" = "1"
#: "old.txt" = "will be replaced"
#: "hard.txt" = "h"
#: "tree/a.txt" = "a"
#: "tree/deep/b.txt" = "b"
set -e
cp -p one.txt kept_times.txt
cp -a tree copy
cp -l hard.txt hard_alias.txt
cp -s one.txt soft_alias.txt
cp --reflink=auto --remove-destination one.txt old.txt
cp --sparse=always one.txt cloned.txt
