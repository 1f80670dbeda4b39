#: about = "half of the work is done, then the job fails with a status of its own"
#: exit = 77
#: reads = ["in.txt"]
#: writes = ["half.txt"]
#: [before]
#: "in.txt" = "1\n2\n3\n"
head -n 1 in.txt > half.txt
grep -q nothing half.txt || exit 77
echo never > whole.txt
