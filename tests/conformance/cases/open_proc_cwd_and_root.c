//: about = "paths that go through /proc/self/cwd and /proc/self/root"
//: reads = ["in.txt"]
//: writes = ["sub/made.txt", "sub/second.txt"]
//: [before]
//: "in.txt" = "x"
//: "sub/second.txt" = "old, not read"
#include "lib.h"

int main(void) {
  char here[PATH_MAX / 2], name[PATH_MAX];
  get("/proc/self/cwd/in.txt");
  DO(getcwd(here, sizeof here) ? 0 : -1);
  DO(chdir("sub"));
  snprintf(name, sizeof name, "/proc/self/root%s/sub/made.txt", here);
  put(name, "made");
  put("/proc/self/cwd/second.txt", "replaced");
}
