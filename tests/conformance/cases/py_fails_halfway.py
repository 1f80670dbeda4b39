#: about = "an exception ends the job: the first shard is there, the second one half, the third not"
#: exit = 1
#: reads = ["in.txt"]
#: writes = ["shard0.txt", "shard1.txt"]
#: redirect = "2>/dev/null"
#: [before]
#: "in.txt" = "1\n2\nthree\n"
with open("in.txt") as source:
    for shard in range(3):
        with open(f"shard{shard}.txt" if shard < 2 else "shard1.txt", "a") as target:
            target.write(f"{int(next(source))}\n")
