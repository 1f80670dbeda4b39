#: about = "nohup and setsid: work that has left the terminal but ends before the job"
#: reads = ["in.txt"]
#: writes = ["by_nohup.txt", "by_setsid.txt"]
#: [before]
#: "in.txt" = "1\n"
nohup cat in.txt > by_nohup.txt 2> /dev/null < /dev/null &
setsid --wait cp in.txt by_setsid.txt
wait
