//: about = "writing through links changes their targets; the links themselves are nothing"
//: setup = "ln -s changed.txt l1; ln -s appended.txt l2"
//: writes = ["changed.txt", "appended.txt"]
//: [before]
//: "changed.txt" = "c"
//: "appended.txt" = "a"
#include "lib.h"

int main(void) {
  put("l1", "other");
  add("l2", "more");
  DO(symlink("changed.txt", "l3"));
  char target[64];
  DO(readlink("l3", target, sizeof target));
  DO(unlink("l2"));
}
