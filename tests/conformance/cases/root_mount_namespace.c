//: about = "a directory bound to another place, for this job only: files made there are where they really are"
//: needs = ["trial"]
//: setup = "mkdir bound"
//: reads = ["real/in.txt"]
//: writes = ["real/out.txt"]
//: [blind]
//: ptrace = "mount-namespace"
//: preload = "mount-namespace"
//: ebpf = "mount-namespace"
//: [before]
//: "real/in.txt" = "1"
#include "lib.h"
#include <sys/mount.h>

int main(void) {
  DO(unshare(CLONE_NEWNS));
  DO(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
  DO(mount("real", "bound", NULL, MS_BIND, NULL));
  get("bound/in.txt");
  put("bound/out.txt", "2");
}
