//: about = "four processes append to one log and race to make one file"
//: reads = ["in.txt"]
//: writes = ["log.txt", "old.log", "once.txt"]
//: [before]
//: "in.txt" = "1"
//: "old.log" = "start\n"
#include "lib.h"

int main(void) {
  for (int i = 0; i < 4; i++)
    if (DO(fork()) == 0) {
      for (int line = 0; line < 25; line++) {
        get("in.txt");
        add("log.txt", "line\n");
        add("old.log", "line\n");
        int once = open("once.txt", O_WRONLY | O_CREAT | O_EXCL, 0644);
        if (once >= 0) say(once, "first");
      }
      _exit(0);
    }
  while (wait(NULL) > 0) {
  }
}
