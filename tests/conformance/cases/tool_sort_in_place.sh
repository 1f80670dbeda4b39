#: about = "sort onto its own input, merge with temporary files, uniq and join"
#: setup = "seq 2000 -1 1 > big.txt; mkdir tmp"
#: reads = ["own.txt", "big.txt"]
#: writes = ["own.txt", "sorted.txt", "uniq.txt"]
#: [before]
#: "own.txt" = "c\nb\na\n"
set -e
sort -o own.txt own.txt
sort -n -S 10K -T tmp big.txt -o sorted.txt
uniq own.txt uniq.txt
