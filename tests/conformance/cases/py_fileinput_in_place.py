#: about = "fileinput edits in place, with a backup and without"
#: reads = ["a.txt", "b.txt"]
#: writes = ["a.txt", "b.txt", "b.txt.bak"]
#: [before]
#: "a.txt" = "old\n"
#: "b.txt" = "old\n"
import fileinput

for name, backup in (("a.txt", ""), ("b.txt", ".bak")):
    with fileinput.input(name, inplace=True, backup=backup) as lines:
        for line in lines:
            print(line.replace("old", "new"), end="")
