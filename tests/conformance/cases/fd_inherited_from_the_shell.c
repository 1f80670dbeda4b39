//: about = "descriptors that were open before the job: read, changed, appended, left alone"
//: redirect = "3<in.txt 4<>both.bin 5>>log.txt 6<unread.txt 7<>empty.txt 8>>idle.txt"
//: reads = ["in.txt", "both.bin", "unread.txt"]
//: writes = ["both.bin", "log.txt"]
//: [before]
//: "in.txt" = "in"
//: "both.bin" = "0123456789"
//: "log.txt" = "first\n"
//: "unread.txt" = "inherited, which counts as used"
//: "empty.txt" = ""
//: "idle.txt" = "nothing is appended"
#include "lib.h"

int main(void) {
  drain(3);
  DO(pwrite(4, "x", 1, 5));
  say(5, "second\n");
}
