//: about = "a static program: no loader, no library that could be replaced"
//: cflags = ["-static"]
//: reads = ["in.txt"]
//: writes = ["out.txt"]
//: [before]
//: "in.txt" = "1"
#include "lib.h"

int main(void) {
  get("in.txt");
  put("out.part", "2");
  DO(rename("out.part", "out.txt"));
}
