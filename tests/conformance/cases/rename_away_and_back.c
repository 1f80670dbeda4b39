//: about = "a file is moved away and back: used, and in the end where and what it was"
//: reads = ["data.txt"]
//: [before]
//: "data.txt" = "content"
#include "lib.h"

int main(void) {
  DO(rename("data.txt", "aside.txt"));
  DO(rename("aside.txt", "data.txt"));
}
