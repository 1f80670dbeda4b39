//: about = "mknod(2) and mknodat(2) make empty regular files; a node that is no file does not count"
//: writes = ["plain", "typed", "sub/at"]
//: setup = "mkdir sub"
#include "lib.h"

int main(void) {
  DO(mknod("plain", 0644, 0));
  DO(mknod("typed", S_IFREG | 0644, 0));
  DO(mknodat(DO(open("sub", O_PATH)), "at", S_IFREG | 0600, 0));
  DO(mknod("queue", S_IFIFO | 0600, 0));
  REFUSED(mknod("plain", S_IFREG | 0644, 0), EEXIST);
}
