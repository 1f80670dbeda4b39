//: about = "one old file through several names, read on its way under a name that it does not keep"
//: reads = ["one"]
//: writes = ["four"]
//: [before]
//: "one" = "content"
#include "lib.h"

int main(void) {
  DO(rename("one", "two"));
  DO(rename("two", "three"));
  get("three");
  DO(rename("three", "four"));
}
