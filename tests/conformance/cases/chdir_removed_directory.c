//: about = "a cwd that is gone: nothing can be made in it, but its parent can still be reached"
//: writes = ["beside.txt", "after.txt"]
#include "lib.h"

int main(void) {
  int top = DO(open(".", O_RDONLY | O_DIRECTORY));
  DO(mkdir("gone", 0755));
  DO(chdir("gone"));
  DO(rmdir("../gone"));
  REFUSED(open("x.txt", O_WRONLY | O_CREAT, 0644), ENOENT);
  put("../beside.txt", "by the dots");
  DO(fchdir(top));
  put("after.txt", "still works");
}
