//: about = "the inode of a removed old file comes back as an output, and that of a temporary file as another one"
//: reads = ["read_then_gone.txt"]
//: writes = ["out1.txt", "out2.txt", "out3.txt"]
//: [before]
//: "never_read.txt" = "n"
//: "read_then_gone.txt" = "r"
#include "lib.h"

int main(void) {
  DO(unlink("never_read.txt"));
  put("out1.txt", "1");
  get("out1.txt");
  get("read_then_gone.txt");
  DO(unlink("read_then_gone.txt"));
  put("out2.txt", "2");
  get("out2.txt");
  put("temporary", "t");
  DO(unlink("temporary"));
  put("out3.txt", "3");
  get("out3.txt");
}
