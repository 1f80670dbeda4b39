//: about = "renames that fail are nothing"
//: setup = "mkdir full; touch full/x; mkdir empty"
//: [before]
//: "a.txt" = "a"
#include "lib.h"

int main(void) {
  REFUSED(rename("a.txt", "missing/a.txt"), ENOENT);
  REFUSED(rename("a.txt", "empty"), EISDIR);
  REFUSED(rename("empty", "full"), ENOTEMPTY);
  REFUSED(rename("full", "full/inside"), EINVAL);
  REFUSED(rename("absent.txt", "a.txt"), ENOENT);
  REFUSED(rename("empty", "a.txt"), ENOTDIR);
}
