//: about = "O_EXCL makes one file and is refused by another, which was only probed"
//: writes = ["fresh.lock"]
//: [before]
//: "taken.lock" = "1234"
#include "lib.h"

int main(void) {
  REFUSED(open("taken.lock", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
  REFUSED(open("taken.lock", O_RDWR | O_CREAT | O_EXCL | O_TRUNC, 0644), EEXIST);
  say(DO(open("fresh.lock", O_RDWR | O_CREAT | O_EXCL, 0644)), "5678");
}
