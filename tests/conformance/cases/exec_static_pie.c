//: about = "a static position-independent program, started with an empty environment by a dynamic one"
//: cflags = ["-static-pie"]
//: argv = ["env", "-i", "{}"]
//: reads = ["in.txt"]
//: writes = ["out.txt"]
//: [before]
//: "in.txt" = "1"
#include "lib.h"

int main(void) {
  get("in.txt");
  put("out.txt", "2");
}
