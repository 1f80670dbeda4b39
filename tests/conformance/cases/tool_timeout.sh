#: about = "a step that is stopped by timeout: its status, its half output"
#: exit = 124
#: reads = ["in.txt"]
#: writes = ["half.txt"]
#: [before]
#: "in.txt" = "1"
# The alarm that timeout sets itself, as soon as the half is there.
exec timeout 60 sh -c 'cat in.txt > half.txt; kill -ALRM $PPID; exec sleep 60; echo 2 > whole.txt'
