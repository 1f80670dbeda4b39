//: about = "the old way of locking: link a private file to the lock's name, look at nlink, remove both"
//: writes = ["result.txt"]
#include "lib.h"

int main(void) {
  struct stat found;
  put("lock.1234", "1234");
  DO(link("lock.1234", "lock"));
  DO(stat("lock.1234", &found));
  DO(found.st_nlink == 2 ? 0 : -1);
  put("result.txt", "made under the lock");
  DO(unlink("lock"));
  DO(unlink("lock.1234"));
}
