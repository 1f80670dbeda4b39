//: about = "an old file gets a second name and is changed through it: both names lead to the change"
//: reads = ["log.txt"]
//: writes = ["log.txt", "alias.txt"]
//: [before]
//: "log.txt" = "one\n"
#include "lib.h"

int main(void) {
  DO(link("log.txt", "alias.txt"));
  add("alias.txt", "two\n");
}
