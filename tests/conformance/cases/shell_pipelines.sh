#: about = "pipelines, subshells, background jobs, functions and traps"
#: reads = ["a.txt", "b.txt"]
#: writes = ["joined.txt", "teed.txt", "counted.txt", "background.txt", "trap.txt", "sub/inside.txt"]
#: [before]
#: "a.txt" = "1\n"
#: "b.txt" = "2\n"
trap 'echo end > trap.txt; rm -f scratch.txt' EXIT
echo s > scratch.txt
cat a.txt b.txt | tee teed.txt | wc -l > counted.txt
(mkdir sub && cd sub && cat ../a.txt > inside.txt)
{ sleep 0.05; cat b.txt > background.txt; } &
paste a.txt b.txt > joined.txt
wait
