//: about = "read, then overwritten in place by as many bytes"
//: reads = ["in.txt"]
//: writes = ["in.txt"]
//: [before]
//: "in.txt" = "0123456789"
#include "lib.h"

int main(void) {
  get("in.txt");
  DO(pwrite(DO(open("in.txt", O_WRONLY)), "9876543210", 10, 0));
}
