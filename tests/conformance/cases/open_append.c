//: about = "appending is a write; only a descriptor that can read makes it a read too"
//: reads = ["both.log"]
//: writes = ["both.log", "only.log", "new.log"]
//: [before]
//: "both.log" = "first line\n"
//: "only.log" = "first line\n"
//: "untouched.log" = "first line\n"
#include "lib.h"

int main(void) {
  int both = DO(open("both.log", O_RDWR | O_APPEND));
  char first;
  DO(pread(both, &first, 1, 0));
  say(both, "second\n");
  add("only.log", "second\n");
  add("new.log", "first\n");
  DO(close(DO(open("untouched.log", O_WRONLY | O_APPEND | O_CREAT, 0644))));
}
