//: about = "fallocate(2): room for a new file, a hole in an old one, a range of zeros"
//: setup = "head -c 65536 /dev/zero | tr '\\0' 'x' > punched.bin; cp punched.bin zeroed.bin"
//: reads = ["zeroed.bin"]
//: writes = ["reserved.bin", "punched.bin", "zeroed.bin"]
#include "lib.h"

int main(void) {
  DO(fallocate(DO(open("reserved.bin", O_WRONLY | O_CREAT, 0644)), 0, 0, 10000));
  DO(fallocate(DO(open("punched.bin", O_WRONLY)), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 8192));
  int fd = DO(open("zeroed.bin", O_RDWR));
  if (fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 4096) < 0) DO(pwrite(fd, "", 1, 0));
}
