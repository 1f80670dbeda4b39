//: about = "files opened for writing in which nothing is written"
//: [before]
//: "a.txt" = "a"
//: "b.txt" = "b"
//: "c.txt" = ""
#include "lib.h"

int main(void) {
  DO(close(DO(open("a.txt", O_WRONLY))));
  DO(close(DO(open("b.txt", O_WRONLY | O_CREAT, 0644))));
  int c = DO(open("c.txt", O_WRONLY));
  DO(write(c, "", 0));
  DO(fsync(c));
}
