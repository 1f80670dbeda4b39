//: about = "one process reads what another one of the job has replaced before"
//: writes = ["shared.txt"]
//: [before]
//: "shared.txt" = "from before"
#include "lib.h"

int main(void) {
  pid_t child = DO(fork());
  if (child == 0) {
    put("shared.txt", "by the child");
    _exit(0);
  }
  reap(child);
  get("shared.txt");
}
