//: about = "O_NOFOLLOW is refused by a link and harmless on a file"
//: setup = "ln -s target.txt link.txt"
//: reads = ["plain.txt"]
//: [before]
//: "target.txt" = "t"
//: "plain.txt" = "p"
#include "lib.h"

int main(void) {
  REFUSED(open("link.txt", O_RDONLY | O_NOFOLLOW), ELOOP);
  REFUSED(open("link.txt", O_WRONLY | O_NOFOLLOW | O_TRUNC), ELOOP);
  drain(DO(open("plain.txt", O_RDONLY | O_NOFOLLOW)));
}
