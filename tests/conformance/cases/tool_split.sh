#: about = "split and csplit make many files of one, cat makes one of many"
#: setup = "seq 30 > numbers.txt"
#: reads = ["numbers.txt"]
#: writes = ["part_aa", "part_ab", "part_ac", "piece{00..01}", "again.txt"]
set -e
split -l 10 numbers.txt part_
csplit -s -f piece numbers.txt /15/
cat part_a? > again.txt
