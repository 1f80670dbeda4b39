//: about = "openat2(2) with its ways of resolving; the refused ones leave no trace"
//: setup = "ln -s ../outside.txt jail/escape; ln -s in.txt jail/link"
//: reads = ["jail/in.txt"]
//: writes = ["jail/out.txt"]
//: [before]
//: "jail/in.txt" = "1"
//: "outside.txt" = "2"
#include "lib.h"
#include <linux/openat2.h>

static long at(int folder, const char *name, uint64_t flags, uint64_t resolve) {
  struct open_how how = {.flags = flags, .mode = flags & O_CREAT ? 0644 : 0, .resolve = resolve};
  return syscall(SYS_openat2, folder, name, &how, sizeof how);
}

int main(void) {
  int jail = DO(open("jail", O_PATH | O_DIRECTORY));
  drain(DO(at(jail, "link", O_RDONLY, RESOLVE_BENEATH)));
  REFUSED(at(jail, "link", O_RDONLY, RESOLVE_NO_SYMLINKS), ELOOP);
  REFUSED(at(jail, "escape", O_RDONLY, RESOLVE_BENEATH), EXDEV);
  REFUSED(at(jail, "../outside.txt", O_RDONLY, RESOLVE_BENEATH), EXDEV);
  say(DO(at(jail, "out.txt", O_WRONLY | O_CREAT, RESOLVE_NO_MAGICLINKS)), "made");
}
