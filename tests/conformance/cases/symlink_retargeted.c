//: about = "one name leads to another file at each reading"
//: setup = "ln -s v1.txt current"
//: reads = ["v1.txt", "v2.txt"]
//: [before]
//: "v1.txt" = "1"
//: "v2.txt" = "2"
#include "lib.h"

int main(void) {
  get("current");
  DO(symlink("v2.txt", "current.new"));
  DO(rename("current.new", "current"));
  get("current");
}
