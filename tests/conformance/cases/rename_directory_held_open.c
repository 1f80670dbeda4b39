//: about = "a directory is renamed while a descriptor refers to it; files are made through that descriptor"
//: reads = ["old/in.txt"]
//: writes = ["new/in.txt", "new/made.txt"]
//: [before]
//: "old/in.txt" = "1"
#include "lib.h"

int main(void) {
  int folder = DO(open("old", O_RDONLY | O_DIRECTORY));
  DO(rename("old", "new"));
  drain(DO(openat(folder, "in.txt", O_RDONLY)));
  say(DO(openat(folder, "made.txt", O_WRONLY | O_CREAT, 0644)), "2");
}
