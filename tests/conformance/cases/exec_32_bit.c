//: about = "a 32-bit program: other numbers of system calls, other structures"
//: cflags = ["-m32"]
//: needs = ["trial"]
//: reads = ["in.txt", "moved.txt", "linked.txt"]
//: writes = ["out.txt", "there.txt", "alias.txt", "cut.txt"]
//: [before]
//: "in.txt" = "1"
//: "moved.txt" = "2"
//: "linked.txt" = "3"
//: "removed.txt" = "4"
//: "cut.txt" = "5555"
#include "lib.h"

int main(void) {
  get("in.txt");
  put("out.txt", "made");
  DO(rename("moved.txt", "there.txt"));
  DO(link("linked.txt", "alias.txt"));
  DO(truncate("cut.txt", 1));
  put("mine.txt", "m");
  DO(unlink("mine.txt"));
  DO(unlink("removed.txt"));
}
