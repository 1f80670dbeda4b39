#: about = "strace inside the job: what its program does is seen; where ptrace is taken, the record says so"
#: needs = ["program:strace"]
#: reads = ["in.txt"]
#: writes = ["out.txt", "calls.log"]
#: [blind]
#: ptrace = "nested-tracer"
#: [before]
#: "in.txt" = "1\n"
strace -f -o calls.log sh -c 'cat in.txt > out.txt'
exit 0
