//: about = "hundreds of temporary files pass through the same few inodes, one stays"
//: reads = ["in.txt"]
//: writes = ["last.txt"]
//: [before]
//: "in.txt" = "x"
#include "lib.h"

int main(void) {
  char name[32];
  for (int i = 0; i < 300; i++) {
    snprintf(name, sizeof name, "tmp%d", i);
    put(name, "t");
    get(name);
    DO(unlink(name));
  }
  get("in.txt");
  put("last.txt", "stays");
}
