#: about = "os.execve with an empty environment, from a process whose stdin and stdout are files of the project"
#: redirect = "<in.txt >out.txt"
#: reads = ["in.txt", "second.txt"]
#: writes = ["out.txt"]
#: [before]
#: "in.txt" = "1\n"
#: "second.txt" = "2\n"
import os

os.execve("/bin/cat", ["cat", "-", "second.txt"], {})
