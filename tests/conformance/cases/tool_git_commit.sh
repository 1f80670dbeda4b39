#: about = "data is added to a repository of its own, changed and restored: what git keeps for itself is no output"
#: setup = "git init -q ."
#: reads = ["table.csv", "notes.txt"]
#: writes = ["table.csv"]
#: [before]
#: "table.csv" = "a,b\n1,2\n"
#: "notes.txt" = "n\n"
set -e
g() { git -c user.name=Case -c user.email=case@example.org -c gc.auto=0 "$@"; }
g add table.csv notes.txt
g commit -qm one
echo 3,4 >> table.csv
g commit -qam two
g checkout -q HEAD~1 -- table.csv
