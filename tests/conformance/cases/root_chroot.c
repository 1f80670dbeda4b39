//: about = "a process with another root: its absolute names mean files below that"
//: needs = ["trial"]
//: setup = "ln -s /in.txt jail/link"
//: reads = ["jail/in.txt"]
//: writes = ["jail/out.txt", "jail/changed.txt"]
//: [before]
//: "jail/in.txt" = "1"
//: "jail/changed.txt" = "2"
#include "lib.h"

int main(void) {
  DO(chroot("jail"));
  DO(chdir("/"));
  get("/link");
  put("/out.txt", "3");
  put("/../changed.txt", "4");
}
