//: about = "moved away, changed there, moved back"
//: reads = ["data.txt"]
//: writes = ["data.txt"]
//: [before]
//: "data.txt" = "content"
#include "lib.h"

int main(void) {
  DO(rename("data.txt", "aside.txt"));
  add("aside.txt", " and more");
  DO(rename("aside.txt", "data.txt"));
}
