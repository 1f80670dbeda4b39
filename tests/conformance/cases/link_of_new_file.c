//: about = "a new file with four names, of which the first one and a later one go"
//: writes = ["two", "four"]
#include "lib.h"

int main(void) {
  put("one", "content");
  DO(link("one", "two"));
  DO(link("two", "three"));
  DO(unlink("one"));
  DO(linkat(AT_FDCWD, "three", AT_FDCWD, "four", 0));
  DO(unlink("three"));
  add("four", " and more");
}
