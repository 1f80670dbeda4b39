//: about = "preadv2, pwritev2, writev, and sync_file_range: the ways of moving bytes do not matter"
//: reads = ["in.bin"]
//: writes = ["out.bin", "in.bin"]
//: [before]
//: "in.bin" = "0123456789"
#include "lib.h"

int main(void) {
  char left[4], right[4];
  struct iovec parts[2] = {{left, 4}, {right, 4}};
  int in = DO(open("in.bin", O_RDWR)), out = DO(open("out.bin", O_WRONLY | O_CREAT | O_SYNC, 0644));
  DO(preadv2(in, parts, 2, 1, 0));
  DO(writev(out, parts, 2));
  DO(pwritev2(in, parts, 2, 0, RWF_DSYNC));
  DO(sync_file_range(in, 0, 0, SYNC_FILE_RANGE_WRITE));
}
