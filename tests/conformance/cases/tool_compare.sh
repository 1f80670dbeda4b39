#: about = "programs that only look: cmp, diff, grep, wc, head, checksums; the exit status of the last one"
#: exit = 1
#: reads = ["a.txt", "b.txt", "c.txt"]
#: [before]
#: "a.txt" = "1\n"
#: "b.txt" = "2\n"
#: "c.txt" = "3\n"
grep -q 1 a.txt && wc -l c.txt && head -c 1 c.txt && cksum b.txt
cmp -s a.txt b.txt
