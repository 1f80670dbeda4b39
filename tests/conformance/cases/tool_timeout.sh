#: about = "a step that is stopped by timeout: its status, its half output"
#: exit = 124
#: reads = ["in.txt"]
#: writes = ["half.txt"]
#: [before]
#: "in.txt" = "1"
exec timeout 0.2 sh -c 'cat in.txt > half.txt; exec sleep 20; echo 2 > whole.txt'
