//: about = "the command is killed by SIGKILL; its status comes through"
//: signal = "SIGKILL"
//: reads = ["in.txt"]
//: writes = ["out.txt"]
//: [before]
//: "in.txt" = "1"
#include "lib.h"

int main(void) {
  get("in.txt");
  put("out.txt", "2");
  DO(kill(getpid(), SIGKILL));
}
