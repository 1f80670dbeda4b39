//: about = "RESOLVE_IN_ROOT: an absolute name that means a file below the descriptor"
//: setup = "ln -s /kept.txt jail/link"
//: reads = ["jail/kept.txt", "jail/sub/read.txt"]
//: writes = ["jail/made.txt", "jail/kept.txt"]
//: [before]
//: "jail/kept.txt" = "was there"
//: "jail/sub/read.txt" = "was there too"
#include "lib.h"
#include <linux/openat2.h>

static int at(int folder, const char *name, uint64_t flags) {
  struct open_how how = {.flags = flags, .mode = flags & O_CREAT ? 0644 : 0, .resolve = RESOLVE_IN_ROOT};
  return DO(syscall(SYS_openat2, folder, name, &how, sizeof how));
}

int main(void) {
  int jail = DO(open("jail", O_PATH | O_DIRECTORY));
  drain(at(jail, "/../../sub/read.txt", O_RDWR | O_CREAT));
  DO(pwrite(at(jail, "/link", O_RDWR | O_CREAT), "WAS", 3, 0));
  say(at(jail, "/made.txt", O_WRONLY | O_CREAT), "made");
}
