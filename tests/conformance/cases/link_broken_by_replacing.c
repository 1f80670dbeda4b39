//: about = "copy on write: one of two linked names is replaced, the other keeps its content"
//: setup = "ln one.txt two.txt"
//: reads = ["one.txt"]
//: writes = ["one.txt"]
//: [before]
//: "one.txt" = "shared"
#include "lib.h"

int main(void) {
  get("one.txt");
  DO(unlink("one.txt"));
  put("one.txt", "its own now");
}
