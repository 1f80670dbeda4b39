#!/bin/bash
#: about = "bash: process substitution, here-strings, coprocesses, /dev/fd"
#: needs = ["program:bash"]
#: tolerated = ["still-running"]
#: reads = ["a.txt", "b.txt"]
#: writes = ["diff.txt", "split_1.txt", "split_2.txt", "here.txt"]
#: [before]
#: "a.txt" = "2\n1\n"
#: "b.txt" = "1\n2\n3\n"
diff <(sort a.txt) <(sort b.txt) > diff.txt
cat b.txt | tee >(head -1 > split_1.txt) >(tail -1 > split_2.txt) | cat > /dev/null
cat <<< "string" > here.txt
# Nothing waits for the end of these two themselves.
until [ -s split_1.txt ] && [ -s split_2.txt ]; do sleep 0.01; done
