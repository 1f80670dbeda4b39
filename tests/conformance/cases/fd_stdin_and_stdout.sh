#: about = "redirections of the command itself, used by programs further down"
#: redirect = "<words.txt >>sorted.txt 2>/dev/null"
#: reads = ["words.txt"]
#: writes = ["sorted.txt"]
#: [before]
#: "words.txt" = "b\na\n"
#: "sorted.txt" = "0\n"
tr a-z A-Z | sort
echo lost >&2
