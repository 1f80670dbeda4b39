//: about = "clone(2) with CLONE_FILES and CLONE_FS: descriptors and cwd are shared between processes"
//: reads = ["sub/in.txt"]
//: writes = ["sub/by_child.txt", "sub/by_parent.txt"]
//: [before]
//: "sub/in.txt" = "1"
//: "in.txt" = "a decoy"
#include "lib.h"

static int shared;

static int child(void *unused) {
  (void)unused;
  DO(chdir("sub"));
  shared = DO(open("by_child.txt", O_WRONLY | O_CREAT, 0644));
  return 0;
}

int main(void) {
  static char stack[65536] __attribute__((aligned(16)));
  reap(DO(clone(child, stack + sizeof stack, CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD, NULL)));
  say(shared, "opened by the child");
  get("in.txt");
  put("by_parent.txt", "2");
}
