#: about = "empty files are outputs when the job made them; touching an old one is nothing"
#: writes = ["by_shell", "by_touch", "by_truncate", "emptied"]
#: [before]
#: "old_empty" = ""
#: "old_full" = "x"
#: "emptied" = "content"
set -e
: > by_shell
touch by_touch old_empty old_full
truncate -s 0 by_truncate
: > emptied
