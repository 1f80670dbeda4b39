#: about = "dd: copy, append, seek far; patch and cut in place, for which it opens read-write"
#: reads = ["in.bin", "patched.bin", "cut.bin"]
#: writes = ["copy.bin", "patched.bin", "appended.bin", "cut.bin", "far.bin"]
#: [before]
#: "in.bin" = "0123456789"
#: "patched.bin" = "abcdefghij"
#: "appended.bin" = "abc"
#: "cut.bin" = "abcdefghij"
set -e
dd status=none if=in.bin of=copy.bin bs=4
dd status=none if=in.bin of=patched.bin bs=1 count=2 seek=3 conv=notrunc
dd status=none if=in.bin of=appended.bin oflag=append conv=notrunc
dd status=none if=/dev/null of=cut.bin bs=1 seek=4
dd status=none if=/dev/zero of=far.bin bs=1 count=1 seek=1M
