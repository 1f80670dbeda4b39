//: about = "FICLONE where the file system can, else a plain copy: the same reads and writes"
//: reads = ["from.bin"]
//: writes = ["clone.bin"]
//: [before]
//: "from.bin" = "to be cloned"
#include "lib.h"
#include <linux/fs.h>
#include <sys/ioctl.h>

int main(void) {
  int from = DO(open("from.bin", O_RDONLY)), clone = DO(open("clone.bin", O_WRONLY | O_CREAT, 0644));
  if (ioctl(clone, FICLONE, from) < 0) DO(copy_file_range(from, NULL, clone, NULL, 100, 0));
}
