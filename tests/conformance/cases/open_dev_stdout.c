//: about = "/dev/stdin and /dev/stdout opened by name, while they are files"
//: redirect = "<in.txt >out.txt 2>err.txt"
//: reads = ["in.txt"]
//: writes = ["out.txt", "err.txt"]
//: [before]
//: "in.txt" = "hello\n"
#include "lib.h"

int main(void) {
  get("/dev/stdin");
  int out = DO(open("/dev/stdout", O_WRONLY | O_APPEND));
  say(out, "one\n");
  add("/dev/stderr", "two\n");
}
