//: about = "files that are called ` (deleted)`, beside files that really were"
//: reads = ["in.txt (deleted)", "gone.txt"]
//: writes = ["out.txt (deleted)"]
//: [before]
//: "in.txt (deleted)" = "really its name"
//: "gone.txt" = "removed while it is open"
//: "gone.txt (deleted)" = "never touched"
#include "lib.h"

int main(void) {
  get("in.txt (deleted)");
  put("out.txt (deleted)", "so is this");
  int gone = DO(open("gone.txt", O_RDONLY));
  DO(unlink("gone.txt"));
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", gone);
  get(name);
}
