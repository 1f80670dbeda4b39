#: about = "strace works inside the job; what its program does is seen, or said not to be"
#: needs = ["program:strace"]
#: reads = ["in.txt"]
#: writes = ["out.txt", "calls.log"]
#: [blind]
#: ptrace = "*"
#: [before]
#: "in.txt" = "1\n"
exec strace -f -o calls.log sh -c 'cat in.txt > out.txt'
