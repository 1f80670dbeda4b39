//: about = "files on a file system that only the job can see are gone with it; copied out, they are outputs"
//: needs = ["trial"]
//: setup = "mkdir scratch"
//: writes = ["out.txt"]
//: tolerated = ["mount-namespace"]
#include "lib.h"
#include <sys/mount.h>

int main(void) {
  int top = DO(open(".", O_PATH));
  DO(unshare(CLONE_NEWNS));
  DO(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
  DO(mount("none", "scratch", "tmpfs", 0, NULL));
  DO(chdir("scratch"));
  put("part.txt", "1");
  get("part.txt");
  DO(fchdir(top));
  put("out.txt", "2");
}
