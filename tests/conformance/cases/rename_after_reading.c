//: about = "an input is moved away after it was read, and another file takes its name"
//: reads = ["in.txt"]
//: writes = ["archive/in.txt", "in.txt"]
//: setup = "mkdir archive"
//: [before]
//: "in.txt" = "first"
#include "lib.h"

int main(void) {
  get("in.txt");
  DO(rename("in.txt", "archive/in.txt"));
  put("in.txt", "second");
  get("in.txt");
}
