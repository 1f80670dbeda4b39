#: about = "a shell sources a file of the project, then becomes another program"
#: reads = ["settings.env", "in.txt"]
#: writes = ["out.txt"]
#: [before]
#: "settings.env" = "target=out.txt\n"
#: "in.txt" = "1\n"
#: "other.env" = "not sourced"
. ./settings.env
exec cp in.txt "$target"
