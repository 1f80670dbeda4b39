#: about = "the os module: descriptors of directories, kernel copies, holes, links, unnamed files"
#: reads = ["sub/in.txt", "linked.txt"]
#: writes = ["sub/out.txt", "sent.txt", "ranged.txt", "reserved.bin", "alias.txt", "cut.bin"]
#: [before]
#: "sub/in.txt" = "content"
#: "linked.txt" = "l"
#: "cut.bin" = "0123456789"
import os

folder = os.open("sub", os.O_RDONLY | os.O_DIRECTORY)
source = os.open("in.txt", os.O_RDONLY, dir_fd=folder)
new = os.O_WRONLY | os.O_CREAT
os.write(os.open("out.txt", new, dir_fd=folder), b"1")
os.sendfile(os.open("sent.txt", new), source, 0, 7)
os.copy_file_range(source, os.open("ranged.txt", new), 7, offset_src=0)
os.posix_fallocate(os.open("reserved.bin", new), 0, 1000)
os.link("linked.txt", "alias.txt")
os.truncate("cut.bin", 1)
os.mkfifo("queue")
os.utime("linked.txt", (1, 1))
