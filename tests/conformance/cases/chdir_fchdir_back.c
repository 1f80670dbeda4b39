//: about = "chdir, fchdir and threads of names: each relative path means another file"
//: reads = ["x.txt", "one/x.txt", "one/two/x.txt"]
//: writes = ["one/y.txt"]
//: [before]
//: "x.txt" = "0"
//: "one/x.txt" = "1"
//: "one/two/x.txt" = "2"
//: "three/x.txt" = "3"
#include "lib.h"

int main(void) {
  int top = DO(open(".", O_PATH));
  DO(chdir("one/two"));
  get("x.txt");
  DO(chdir(".."));
  get("x.txt");
  put("y.txt", "made");
  DO(fchdir(top));
  get("x.txt");
}
