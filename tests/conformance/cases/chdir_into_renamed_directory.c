//: about = "the cwd is renamed by somebody else and then used by relative names"
//: reads = ["before/in.txt", "before/other.txt"]
//: writes = ["after/in.txt", "after/other.txt", "after/made.txt"]
//: [before]
//: "before/in.txt" = "1"
//: "before/other.txt" = "2"
#include "lib.h"

int main(void) {
  DO(chdir("before"));
  pid_t child = DO(fork());
  if (child == 0) {
    DO(chdir(".."));
    DO(rename("before", "after"));
    _exit(0);
  }
  reap(child);
  get("in.txt");
  put("made.txt", "3");
}
